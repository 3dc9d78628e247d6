import Kernel

enum WebhookStatus: String, Sendable, Codable, CaseIterable {
    case enabled, disabled
}

enum DeliveryStatus: String, Sendable, Codable, CaseIterable {
    case pending, sending, delivered, failed
}

/// Where a client wants to be told of what.
struct Webhook: Sendable, Codable {
    let webhookID: WebhookID
    let url: String
    let types: [String]
    let status: WebhookStatus
    /// Why it was disabled by itself.
    let reason: String?
    let createdAt: Timestamp
    let updatedAt: Timestamp
    /// `whsec_…`; only in the answer that made it.
    var secret: String?

    private enum CodingKeys: String, CodingKey {
        case url, types, status, reason, secret
        case webhookID = "webhook_id"
        case createdAt = "created_at"
        case updatedAt = "updated_at"
    }
}

/// One event on its way to one webhook.
struct WebhookDelivery: Sendable, Codable {
    let deliveryID: WebhookDeliveryID
    let webhookID: WebhookID
    let eventID: String
    let type: String
    let status: DeliveryStatus
    let attempts: Int
    let unknownAttempts: Int
    /// The receiver's last status, or a word for what happened.
    let lastCode: String?
    let createdAt: Timestamp
    /// When it is tried next; nil when it is done.
    let dueAt: Timestamp?
    let finishedAt: Timestamp?

    private enum CodingKeys: String, CodingKey {
        case type, status, attempts
        case deliveryID = "delivery_id"
        case webhookID = "webhook_id"
        case eventID = "event_id"
        case unknownAttempts = "unknown_attempts"
        case lastCode = "last_code"
        case createdAt = "created_at"
        case dueAt = "due_at"
        case finishedAt = "finished_at"
    }
}
