import CLibcurl

/// One transfer: owns an easy handle, what it sends, and what it receives, within limits.
///
/// Knows no protocol; `CurlTransfer+HTTP` prepares one. Used by one thread at a time: by its maker
/// until it is given to the driver, by the driver until that answers, then by its maker again.
@safe final class CurlTransfer: @unchecked Sendable {
    /// Why receiving was stopped from this side.
    enum Overflow { case head, body }

    let easy: UnsafeMutableRawPointer
    private var lineList: UnsafeMutablePointer<curl_slist>?
    private let headLimitBytes: Int
    private let bodyLimitBytes: Int

    /// The lines before the body, as received, of the last response only.
    private(set) var headLines: [String] = []
    private(set) var body: [UInt8] = []
    private(set) var overflow: Overflow?
    private(set) var socketGuard: SocketGuard?
    private(set) var upload = Upload()
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
        unsafe curl_slist_free_all(lineList)
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

    /// Lets the policy decide about each address before a socket is made for it. Kept connections
    /// are not used and none is kept: they may have been made under another policy.
    func setTargets(_ policy: TargetPolicy) throws(HTTPClientError) {
        guard policy.isRestricted else { return }
        let socketGuard = SocketGuard(policy)
        self.socketGuard = socketGuard
        // The transfer keeps it alive for as long as the library may ask.
        let this = unsafe Unmanaged.passUnretained(socketGuard).toOpaque()
        try unsafe check(grapevine_curl_set_pointer(easy, CURLOPT_OPENSOCKETDATA, this))
        try unsafe check(grapevine_curl_set_open_socket(easy, SocketGuard.onOpen))
        try set(CURLOPT_FRESH_CONNECT, 1)
        try set(CURLOPT_FORBID_REUSE, 1)
    }

    /// Sends the bytes as an upload; what of them the library took shows in `upload`.
    func setUpload(_ bytes: [UInt8]) throws(HTTPClientError) {
        upload = Upload(bytes: bytes)
        try set(CURLOPT_UPLOAD, 1)
        try setSize(CURLOPT_INFILESIZE_LARGE, bytes.count)
        let this = unsafe Unmanaged.passUnretained(self).toOpaque()
        try unsafe check(grapevine_curl_set_pointer(easy, CURLOPT_READDATA, this))
        try unsafe check(grapevine_curl_set_callback(easy, CURLOPT_READFUNCTION, Self.onUpload))
    }

    /// Lines of a list option (`CURLOPT_HTTPHEADER`), without their end; whoever makes them has
    /// checked them. One list a transfer.
    func setLines(_ option: CURLoption, _ lines: [String]) throws(HTTPClientError) {
        for line in lines {
            guard let longer = unsafe curl_slist_append(lineList, line) else {
                throw HTTPClientError(.overloaded, detail: "libcurl has no memory.")
            }
            unsafe lineList = longer
        }
        try unsafe check(grapevine_curl_set_list(easy, option, lineList))
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

    private static let onUpload: curl_write_callback = { bytes, size, count, context in
        guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
        let transfer = unsafe Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
        let buffer = unsafe UnsafeMutableRawBufferPointer(start: bytes, count: size * count)
        return unsafe transfer.upload.give(buffer)
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

/// What a transfer sends bit by bit.
struct Upload {
    private let bytes: [UInt8]
    private var taken = 0

    init(bytes: [UInt8] = []) { self.bytes = bytes }

    /// Whether the library has all of it, so that the peer may have it too.
    var isTaken: Bool { taken == bytes.count && !bytes.isEmpty }

    @unsafe mutating func give(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(buffer.count, bytes.count - taken)
        unsafe buffer.copyBytes(from: bytes[taken..<(taken + count)])
        taken += count
        return count
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
