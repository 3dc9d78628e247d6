import Kernel

/// The ids by which one request is found again.
struct RequestIdentity: Sendable {
    let requestID: String
    let trace: TraceContext

    /// Takes over what the caller sent where it is sane, and makes up the rest.
    init(_ headers: HTTPHeaders, random: () -> UInt64) {
        if let given = headers["X-Request-Id"], Self.isSane(given) {
            requestID = given
        } else {
            requestID = Self.newID(random())
        }
        if let parent = headers["traceparent"].flatMap({ TraceContext(traceparent: $0) }) {
            trace = parent.child(random: random)
        } else {
            trace = TraceContext(random: random)
        }
    }

    /// 1 to 128 letters, digits and `-_.:`.
    private static func isSane(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 48...58, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "_"),
                    UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    /// 64 bits as 13 characters, which Swift keeps without allocating.
    private static func newID(_ bits: UInt64) -> String {
        var rest = bits
        return unsafe String(unsafeUninitializedCapacity: 13) { buffer in
            for index in 0..<13 {
                let digit = UInt8(truncatingIfNeeded: rest & 31)
                unsafe buffer[index] = digit < 10 ? 48 + digit : 87 + digit
                rest >>= 5
            }
            return 13
        }
    }
}
