import FoundationEssentials
import Kernel
import SecurityKit

enum WebhookDeliveryTag: IDTag { static let prefix = "whd" }

/// One event on its way to one endpoint; the `webhook-id`, the same for every attempt.
typealias WebhookDeliveryID = TypeID<WebhookDeliveryTag>

/// A symmetric secret of Standard Webhooks 1.0.0.
struct WebhookSecret: Sendable, Hashable {
    static let byteCount = 32

    private let bytes: [UInt8]

    static func generate() -> WebhookSecret {
        WebhookSecret(bytes: SecureRandom.bytes(byteCount))
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// As it is shown, once.
    var text: String { "whsec_\(Data(bytes).base64EncodedString())" }

    /// Reads the form in which it is shown; nil for anything else.
    init?(text: String) {
        guard text.hasPrefix("whsec_"), let data = Data(base64Encoded: String(text.dropFirst(6))),
            (24...64).contains(data.count)
        else { return nil }
        bytes = Array(data)
    }

    /// Sealed for the database; opens only as this webhook's.
    func sealed(for webhook: WebhookID, key: [UInt8]) throws(SecurityError) -> [UInt8] {
        try AES256GCM.seal(bytes, key: key, additional: webhook.uuid.byteArray)
    }

    init(sealed: [UInt8], of webhook: WebhookID, key: [UInt8]) throws(SecurityError) {
        bytes = try AES256GCM.open(sealed, key: key, additional: webhook.uuid.byteArray)
    }

    /// The value of `webhook-signature` by this secret alone: `v1,` and base64.
    func signature(of body: [UInt8], id: String, seconds: Int64) -> String {
        let signed = Array("\(id).\(seconds).".utf8) + body
        return "v1,\(Data(Digest.hmacSHA256(key: bytes, message: signed)).base64EncodedString())"
    }
}
