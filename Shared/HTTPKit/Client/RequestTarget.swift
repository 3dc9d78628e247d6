/// A checked URL: what it is safe to hand to the C library, and whom it goes to.
struct RequestTarget {
    let url: String
    /// `host:port` in lower case, the key of the circuit breaker.
    let authority: String

    init(_ url: String) throws(HTTPClientError) {
        func refuse(_ detail: String) -> HTTPClientError {
            HTTPClientError(.invalidRequest, detail: detail)
        }
        // A backslash ends the host for some readers of URLs and not for others.
        let backslash = UInt8(ascii: "\\")
        guard url.utf8.allSatisfy({ (33...126).contains($0) && $0 != backslash }) else {
            throw refuse("The URL has white space, control or non-ASCII characters or a backslash.")
        }
        // By bytes: all are ASCII, and each call comes through here.
        let text = url.utf8
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")),
            text[colon...].starts(with: "://".utf8)
        else { throw refuse("The URL is not absolute.") }
        let scheme = url[..<colon].lowercased()
        guard scheme == "http" || scheme == "https" else {
            throw refuse("The URL's scheme is neither http nor https.")
        }
        let host = text[text.index(colon, offsetBy: 3)...].prefix { !"/?#".utf8.contains($0) }
        guard !host.contains(UInt8(ascii: "@")) else { throw refuse("The URL has a user name.") }
        guard let first = host.first, first != UInt8(ascii: ":") else {
            throw refuse("The URL has no host.")
        }
        guard !text.contains(UInt8(ascii: "#")) else { throw refuse("The URL has a fragment.") }
        self.url = url
        let hasPort =
            host.split(separator: UInt8(ascii: "]"), omittingEmptySubsequences: false)
            .last?.contains(UInt8(ascii: ":")) ?? false
        authority =
            Substring(host).lowercased() + (hasPort ? "" : scheme == "https" ? ":443" : ":80")
    }
}

/// Refuses header fields that could end early and begin another (RFC 9110 §5).
enum HeaderCheck {
    private static let reserved = [
        "host", "content-length", "transfer-encoding", "connection", "expect", "upgrade", "te",
        "trailer", "keep-alive", "proxy-connection",
    ]

    static func check(_ field: HTTPHeaders.Field) throws(HTTPClientError) {
        guard !field.name.isEmpty, field.name.utf8.allSatisfy(isTokenByte) else {
            throw HTTPClientError(.invalidRequest, detail: "A header's name is not a token.")
        }
        guard !reserved.contains(field.name.lowercased()) else {
            throw HTTPClientError(.invalidRequest, detail: "\(field.name) is set by the client.")
        }
        guard field.value.utf8.allSatisfy({ $0 >= 32 && $0 != 127 || $0 == 9 }) else {
            throw HTTPClientError(
                .invalidRequest, detail: "A header's value has control characters.")
        }
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
