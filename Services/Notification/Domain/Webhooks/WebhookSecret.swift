import Kernel
import SecurityKit

enum WebhookDeliveryTag: IDTag { static let prefix = "whd" }

/// One event on its way to one endpoint; the `webhook-id`, the same for every attempt.
typealias WebhookDeliveryID = TypeID<WebhookDeliveryTag>

extension WebhookSecret {
    /// Sealed for the database; opens only as this webhook's.
    func sealed(for webhook: WebhookID, key: SealingKey) throws(SecurityError) -> [UInt8] {
        try key.seal(bytes, for: webhook.uuid)
    }

    init(sealed: [UInt8], of webhook: WebhookID, key: SealingKey) throws(SecurityError) {
        guard let secret = WebhookSecret(bytes: try key.open(sealed, of: webhook.uuid)) else {
            throw .decryptionFailed
        }
        self = secret
    }
}
