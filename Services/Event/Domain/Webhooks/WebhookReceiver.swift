import Contracts
import Kernel
import SecurityKit

/// A source as it is when a webhook comes in.
struct WebhookReceiver: Sendable {
    let source: WebhookSource
    let clientID: ClientID
    let clientStatus: ClientStatus
    let mode: ClientMode
    let sealedSecret: [UInt8]
    let sealedPreviousSecret: [UInt8]?

    /// What its webhooks may be signed with at a time.
    func keys(_ sealing: SealingKey, at now: Timestamp) throws(SecurityError) -> [[UInt8]] {
        var boxes = [sealedSecret]
        if let sealedPreviousSecret, let until = source.previousSecretUntil, now < until {
            boxes.append(sealedPreviousSecret)
        }
        var keys: [[UInt8]] = []
        for box in boxes {
            let text = try sealing.open(box, of: source.sourceID.uuid)
            keys.append(
                WebhookSourceSecret.key(String(decoding: text, as: UTF8.self), source.settings))
        }
        return keys
    }
}

/// Webhooks of one topic that came to nothing for one reason.
struct WebhookNote: Sendable, Encodable {
    let topic: String
    let reason: String
    let detail: String
    let count: Int
    let firstAt: Timestamp
    let lastAt: Timestamp

    private enum CodingKeys: String, CodingKey {
        case topic, reason, detail, count
        case firstAt = "first_at"
        case lastAt = "last_at"
    }
}

/// Why a source cannot be managed as asked.
enum WebhookFailure: Error, Sendable, Hashable {
    case sourceUnknown
    case tooManySources
    /// The secret was made for another way of signing.
    case signatureChanged
}
