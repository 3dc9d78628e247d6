import CLibcurl

/// One transfer: owns an easy handle, what it sends, and what it receives, within limits.
///
/// Knows no protocol; `CurlTransfer+HTTP` prepares one. Used by one thread at a time: by its maker
/// until it is given to the driver, by the driver until that answers, then by its maker again.
@safe final class CurlTransfer: @unchecked Sendable {
    /// Why receiving was stopped from this side.
    enum Overflow { case head, body }

    let easy: UnsafeMutableRawPointer
    private var headerList: UnsafeMutablePointer<curl_slist>?
    private let headLimitBytes: Int
    private let bodyLimitBytes: Int

    /// The lines before the body, as received, of the last response only.
    private(set) var headLines: [String] = []
    private(set) var body: [UInt8] = []
    private(set) var overflow: Overflow?
    private var headBytes = 0
    private var isHeadComplete = false

    /// Throws `.overloaded` when the library has no memory for it.
    init(headLimitBytes: Int, bodyLimitBytes: Int) throws(HTTPClientError) {
        guard CurlLibrary.isReady, let easy = unsafe curl_easy_init() else {
            throw HTTPClientError(.overloaded, detail: "libcurl gives no handle.")
        }
        unsafe self.easy = easy
        self.headLimitBytes = headLimitBytes
        self.bodyLimitBytes = bodyLimitBytes
        try setUp()
    }

    deinit {
        unsafe curl_easy_cleanup(easy)
        unsafe curl_slist_free_all(headerList)
    }

    private func setUp() throws(HTTPClientError) {
        let this = unsafe Unmanaged.passUnretained(self).toOpaque()
        try unsafe check(grapevine_curl_set_pointer(easy, CURLOPT_WRITEDATA, this))
        try unsafe check(grapevine_curl_set_pointer(easy, CURLOPT_HEADERDATA, this))
        try unsafe check(grapevine_curl_set_callback(easy, CURLOPT_WRITEFUNCTION, Self.onBody))
        try unsafe check(grapevine_curl_set_callback(easy, CURLOPT_HEADERFUNCTION, Self.onHead))
        try set(CURLOPT_NOSIGNAL, 1)
        // Else ending a transfer that still resolves its host's name blocks the driver's thread.
        try set(CURLOPT_QUICK_EXIT, 1)
        // Peers are reached directly whatever the environment says.
        try set(CURLOPT_PROXY, "")
    }

    // MARK: - Options

    func set(_ option: CURLoption, _ value: Int) throws(HTTPClientError) {
        try unsafe check(grapevine_curl_set_long(easy, option, value))
    }

    func setSize(_ option: CURLoption, _ value: Int) throws(HTTPClientError) {
        try unsafe check(grapevine_curl_set_offset(easy, option, curl_off_t(value)))
    }

    /// The library copies the text. It must not contain NUL.
    func set(_ option: CURLoption, _ text: String) throws(HTTPClientError) {
        try unsafe check(grapevine_curl_set_text(easy, option, text))
    }

    /// The library copies the body.
    func setBody(_ bytes: [UInt8]) throws(HTTPClientError) {
        try setSize(CURLOPT_POSTFIELDSIZE_LARGE, bytes.count)
        // An empty array may have no address, and none means "read from a callback".
        var bytes = bytes.isEmpty ? [0] : bytes
        let code = unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe grapevine_curl_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, buffer.baseAddress)
        }
        try check(code)
    }

    /// Lines without their end; whoever makes them has checked them.
    func setHeaderLines(_ lines: [String]) throws(HTTPClientError) {
        for line in lines {
            guard let longer = unsafe curl_slist_append(headerList, line) else {
                throw HTTPClientError(.overloaded, detail: "libcurl has no memory.")
            }
            unsafe headerList = longer
        }
        try unsafe check(grapevine_curl_set_list(easy, CURLOPT_HTTPHEADER, headerList))
    }

    private func check(_ code: CURLcode) throws(HTTPClientError) {
        guard code != CURLE_OK else { return }
        throw HTTPClientError(.invalidRequest, detail: CurlLibrary.text(of: code))
    }

    // MARK: - Results

    /// How the library names this transfer when it has finished.
    var address: Int { unsafe Int(bitPattern: easy) }

    /// A number that the library knows about a finished transfer; 0 when it does not.
    func number(_ info: CURLINFO) -> Int {
        var value = 0
        unsafe grapevine_curl_get_long(easy, info, &value)
        return value
    }

    // MARK: - Receiving, on the driver's thread

    private static let onBody: curl_write_callback = { bytes, size, count, context in
        guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
        let transfer = unsafe Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
        return unsafe transfer.takeBody(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }

    private static let onHead: curl_write_callback = { bytes, size, count, context in
        guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
        let transfer = unsafe Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
        return unsafe transfer.takeHead(UnsafeRawBufferPointer(start: bytes, count: size * count))
    }

    /// Taking less than offered makes the library fail the transfer.
    private func takeBody(_ bytes: UnsafeRawBufferPointer) -> Int {
        guard body.count + bytes.count <= bodyLimitBytes else {
            overflow = .body
            return 0
        }
        unsafe body.append(contentsOf: bytes)
        return bytes.count
    }

    private func takeHead(_ bytes: UnsafeRawBufferPointer) -> Int {
        headBytes += bytes.count
        guard headBytes <= headLimitBytes else {
            overflow = .head
            return 0
        }
        let line = unsafe String(decoding: bytes, as: UTF8.self)
            .prefix { $0 != "\r" && $0 != "\n" && $0 != "\r\n" }
        if line.hasPrefix("HTTP/") {
            // An interim response (100, 103) or the first try on a stale connection came before.
            headLines = []
            isHeadComplete = false
        }
        if line.isEmpty { isHeadComplete = true }
        // What follows the body in chunked framing (trailers) is not of the head.
        if !isHeadComplete { headLines.append(String(line)) }
        return bytes.count
    }
}

/// libcurl as a whole.
enum CurlLibrary {
    /// Sets the library up once in the process, before its first use.
    static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    static func text(of code: CURLcode) -> String {
        unsafe String(cString: curl_easy_strerror(code))
    }
}
