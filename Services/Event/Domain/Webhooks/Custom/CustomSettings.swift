import Kernel

/// What a client sets for a system of its own.
struct CustomSettings: Sendable, Codable {
    let signature: CustomSignature
    let mapping: CustomMapping

    var problems: [Problem.FieldError] { signature.problems + mapping.problems }
}

/// How the sender shows that it knows the secret.
struct CustomSignature: Sendable, Codable {
    enum Scheme: String, Sendable, Codable, CaseIterable {
        /// Standard Webhooks 1.0.0: `webhook-id`, `webhook-timestamp`, `webhook-signature`.
        case standard
        /// HMAC-SHA-256 of the body in a header.
        case hmac
    }

    enum Encoding: String, Sendable, Codable, CaseIterable { case hex, base64 }

    let scheme: Scheme
    /// For `hmac`: the header's name.
    let header: String?
    /// For `hmac`: how the code is written, hex unless said otherwise.
    let encoding: Encoding?
    /// For `hmac`: what stands before the code (`sha256=`).
    let prefix: String?

    init(
        scheme: Scheme, header: String? = nil, encoding: Encoding? = nil, prefix: String? = nil
    ) {
        self.scheme = scheme
        self.header = header
        self.encoding = encoding
        self.prefix = prefix
    }

    fileprivate var problems: [Problem.FieldError] {
        switch scheme {
        case .standard:
            guard header != nil || encoding != nil || prefix != nil else { return [] }
            return [
                .init(
                    pointer: "/signature/scheme", code: "invalid_value",
                    detail: "Standard Webhooks have their own headers: leave the rest out.")
            ]
        case .hmac:
            guard header.map(HeaderName.isValid) == true else {
                return [
                    .init(
                        pointer: "/signature/header", code: "invalid_value",
                        detail: "Name the header that has the signature.")
                ]
            }
            guard (prefix ?? "").utf8.count <= 50 else {
                return [
                    .init(
                        pointer: "/signature/prefix", code: "too_long",
                        detail: "A prefix has at most 50 bytes.")
                ]
            }
            return []
        }
    }
}

enum HeaderName {
    /// A token of RFC 9110, at most 100 characters.
    static func isValid(_ text: String) -> Bool {
        (1...100).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case 48...57, 65...90, 97...122: true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }
}
