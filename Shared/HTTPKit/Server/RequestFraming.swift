/// Checks what the library lets pass but two parsers could read differently.
///
/// A request that fails here may be an attempt to smuggle another one; it is answered with 400 and
/// the connection is closed before its body is looked at.
enum RequestFraming {
    static let maximumFields = 100
    static let maximumHeaderBytes = 16 << 10
    static let maximumTargetBytes = 8 << 10

    /// What the framing says about the body.
    struct Body: Equatable {
        /// From `Content-Length`; nil when it is absent.
        var length: Int?
        var isChunked = false
    }

    /// Why a request is refused.
    struct Violation: Error, Equatable {
        let detail: String
    }

    /// The framing of a request. Throws when anything about it is ambiguous.
    static func check(
        target: String, _ headers: HTTPHeaders, version: String
    ) throws(Violation) -> Body {
        guard target.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw Violation(detail: "Percent-encode spaces and whatever is not ASCII in the path.")
        }
        var body = Body()
        var hosts = 0
        for field in headers.fields {
            guard isToken(field.name) else {
                throw Violation(detail: "A header name has a character that is not allowed.")
            }
            guard isFieldValue(field.value) else {
                throw Violation(detail: "A header value has a control character.")
            }
            switch field.name.utf8.count {
            case 4 where HTTPHeaders.isSameName(field.name, "Host"):
                hosts += 1
                try checkHost(field.value)
            case 14 where HTTPHeaders.isSameName(field.name, "Content-Length"):
                try setLength(field.value, &body)
            case 17 where HTTPHeaders.isSameName(field.name, "Transfer-Encoding"):
                try setChunked(field.value, version, &body)
            default: break
            }
        }
        guard hosts <= 1 else { throw Violation(detail: "Send one Host header.") }
        guard hosts == 1 || version == "HTTP/1.0" else {
            throw Violation(detail: "Send a Host header.")
        }
        guard !body.isChunked || body.length == nil else {
            throw Violation(detail: "Send Content-Length or Transfer-Encoding, not both.")
        }
        return body
    }

    private static func checkHost(_ value: String) throws(Violation) {
        let isSane = value.utf8.allSatisfy { byte in
            byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: "/") && byte != UInt8(ascii: ",")
                && byte != UInt8(ascii: "@")
        }
        guard isSane else { throw Violation(detail: "The Host header is malformed.") }
    }

    private static func setLength(_ value: String, _ body: inout Body) throws(Violation) {
        guard body.length == nil else {
            throw Violation(detail: "Send one Content-Length header.")
        }
        guard (1...18).contains(value.utf8.count), value.utf8.allSatisfy({ $0 &- 48 < 10 }) else {
            throw Violation(detail: "The Content-Length is malformed.")
        }
        body.length = Int(value)
    }

    private static func setChunked(
        _ value: String, _ version: String, _ body: inout Body
    ) throws(Violation) {
        guard !body.isChunked, HTTPHeaders.isSameName(value, "chunked"), version == "HTTP/1.1"
        else {
            throw Violation(detail: "The only Transfer-Encoding here is 'chunked', once.")
        }
        body.isChunked = true
    }

    /// A name of RFC 9110 §5.6.2; white space before the colon makes it something else.
    private static func isToken(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { tokenBytes[Int($0)] }
    }

    private static func isFieldValue(_ value: String) -> Bool {
        value.utf8.allSatisfy { ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }
    }

    private static let tokenBytes: [Bool] = {
        var table = [Bool](repeating: false, count: 256)
        let letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
        for byte in (letters + "!#$%&'*+-.^_`|~").utf8 { table[Int(byte)] = true }
        return table
    }()
}
