import CLibcurl

/// Owns a multi handle. Only `wake` may be called from any thread; the rest is the worker's.
@safe final class CurlMulti: @unchecked Sendable {
    private let multi: UnsafeMutableRawPointer

    /// Nil when the library has no memory for it.
    init?(_ limits: CurlDriver.Limits) {
        guard CurlLibrary.isReady, let multi = unsafe curl_multi_init() else { return nil }
        unsafe self.multi = multi
        set(CURLMOPT_MAX_HOST_CONNECTIONS, limits.connectionsPerHost)
        set(CURLMOPT_MAX_TOTAL_CONNECTIONS, limits.connectionsInTotal)
        set(CURLMOPT_MAXCONNECTS, limits.connectionsInTotal)
    }

    deinit {
        unsafe curl_multi_cleanup(multi)
    }

    private func set(_ option: CURLMoption, _ value: Int) {
        unsafe grapevine_curl_multi_set_long(multi, option, value)
    }

    /// Ends `wait`, the present one or the next.
    func wake() {
        unsafe curl_multi_wakeup(multi)
    }

    /// False when the library refuses it.
    func add(_ transfer: CurlTransfer) -> Bool {
        unsafe curl_multi_add_handle(multi, transfer.easy) == CURLM_OK
    }

    func remove(_ transfer: CurlTransfer) {
        unsafe curl_multi_remove_handle(multi, transfer.easy)
    }

    /// Moves every transfer as far as it goes without waiting.
    func perform() {
        var running: Int32 = 0
        unsafe curl_multi_perform(multi, &running)
    }

    /// The address and the result of a finished transfer, until there are no more.
    func nextFinished() -> (address: Int, result: CURLcode)? {
        var left: Int32 = 0
        while let message = unsafe curl_multi_info_read(multi, &left) {
            let result = unsafe grapevine_curl_message_result(message)
            guard result >= 0, let easy = unsafe message.pointee.easy_handle else { continue }
            return (Int(bitPattern: easy), CURLcode(UInt32(result)))
        }
        return nil
    }

    /// Sleeps until a socket, a timer of the library or `wake` wants attention, or for the limit.
    func wait(limitMilliseconds: Int32) {
        unsafe curl_multi_poll(multi, nil, 0, limitMilliseconds, nil)
    }
}
