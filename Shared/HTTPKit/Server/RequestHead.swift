import CMicrohttpd

/// The head of a request as the library read it.
struct RequestHead: Sendable {
    let method: String
    let version: String
    /// Path and query as sent.
    let target: String
    /// What is before the `?`.
    let path: String
    /// What is after the `?`; empty without one.
    let encodedQuery: Substring
    var headers = HTTPHeaders()
    var headerBytes = 0

    init(method: String, version: String, target: String) {
        self.method = method
        self.version = version
        self.target = target
        if let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) {
            path = String(target[..<mark])
            encodedQuery = target[target.utf8.index(after: mark)...]
        } else {
            path = target
            encodedQuery = ""
        }
    }

    /// Copies the headers out of the library's memory.
    @unsafe mutating func readHeaders(of connection: OpaquePointer) {
        headers.reserveCapacity(12)
        unsafe withUnsafeMutablePointer(to: &self) { own in
            _ = unsafe MHD_get_connection_values_n(
                connection, .HEADER_KIND, appendHeader, UnsafeMutableRawPointer(own))
        }
    }

    fileprivate mutating func append(name: String, value: String) {
        headerBytes += name.utf8.count + value.utf8.count + 4
        headers.add(name, value)
    }
}

/// Called by the library for each header field.
private func appendHeader(
    closure: UnsafeMutableRawPointer?, kind: MHD_ValueKind, name: UnsafePointer<CChar>?,
    nameSize: Int, value: UnsafePointer<CChar>?, valueSize: Int
) -> MHD_Result {
    guard let head = unsafe closure?.assumingMemoryBound(to: RequestHead.self) else {
        return .NO
    }
    unsafe head.pointee.append(
        name: text(name, nameSize), value: text(value, valueSize))
    return .YES
}

private func text(_ start: UnsafePointer<CChar>?, _ count: Int) -> String {
    guard let start = unsafe start else { return "" }
    let bytes = unsafe UnsafeRawBufferPointer(start: start, count: count)
    return unsafe String(decoding: bytes, as: UTF8.self)
}
