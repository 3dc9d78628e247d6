/// A symmetric secret of Standard Webhooks 1.0.0, for webhooks out and in.
package struct WebhookSecret: Sendable, Hashable, CustomStringConvertible {
    /// Bytes of a generated secret.
    package static let byteCount = 32
    /// What the specification allows.
    package static let byteCounts = 24...64

    /// What the signature is keyed with.
    package let bytes: [UInt8]

    /// A new random secret.
    package static func generate() -> WebhookSecret {
        WebhookSecret(unchecked: SecureRandom.bytes(byteCount))
    }

    private init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    /// Nil unless there are 24 to 64 bytes.
    package init?(bytes: [UInt8]) {
        guard Self.byteCounts.contains(bytes.count) else { return nil }
        self.bytes = bytes
    }

    /// As it is shown, once.
    package var text: String { "whsec_\(Base64.encode(bytes))" }

    /// Reads the form in which it is shown, also without padding; nil for anything else.
    package init?(text: String) {
        guard text.hasPrefix("whsec_") else { return nil }
        let encoded = text.dropFirst(6)
        let padding = encoded.hasSuffix("=") ? 0 : (4 - encoded.utf8.count % 4) % 4
        guard let bytes = Base64.decode(encoded + String(repeating: "=", count: padding)) else {
            return nil
        }
        self.init(bytes: bytes)
    }

    /// The value of `webhook-signature` by this secret alone: `v1,` and base64.
    package func signature(of body: [UInt8], id: String, seconds: Int64) -> String {
        "v1,\(Base64.encode(code(of: body, id: id, seconds: String(seconds))))"
    }

    /// The HMAC of a delivery; `seconds` as the header `webhook-timestamp` writes them.
    package func code(of body: [UInt8], id: String, seconds: String) -> [UInt8] {
        Digest.hmacSHA256(key: bytes, message: Array("\(id).\(seconds).".utf8) + body)
    }

    package var description: String { "WebhookSecret(hidden)" }
}
