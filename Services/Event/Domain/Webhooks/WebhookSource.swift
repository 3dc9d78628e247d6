import HTTPKit
import Kernel

enum WebhookSourceTag: IDTag { static let prefix = "whs" }

/// Where somebody else's webhooks come in: the last part of the address that they are sent to.
typealias WebhookSourceID = TypeID<WebhookSourceTag>

/// Whose webhooks a source takes.
enum WebhookKind: String, Sendable, Codable, CaseIterable {
    case shopify, stripe, custom
}

enum WebhookSourceStatus: String, Sendable, Codable, CaseIterable {
    case enabled, disabled
}

/// A client's address for the webhooks of one shop, payment account or system.
struct WebhookSource: Sendable, Codable {
    let sourceID: WebhookSourceID
    let kind: WebhookKind
    let name: String
    let status: WebhookSourceStatus
    let settings: WebhookSettings
    /// Until then the secret before counts too.
    let previousSecretUntil: Timestamp?
    let createdAt: Timestamp
    let updatedAt: Timestamp
    /// What the sender is given as its URL.
    var url: String?
    /// Only in the answer that made it, and only when it was made here.
    var secret: String?

    private enum CodingKeys: String, CodingKey {
        case kind, name, status, settings, url, secret
        case sourceID = "source_id"
        case previousSecretUntil = "previous_secret_until"
        case createdAt = "created_at"
        case updatedAt = "updated_at"
    }

    init(
        sourceID: WebhookSourceID, name: String, status: WebhookSourceStatus,
        settings: WebhookSettings, previousSecretUntil: Timestamp? = nil, createdAt: Timestamp,
        updatedAt: Timestamp
    ) {
        self.sourceID = sourceID
        kind = settings.kind
        self.name = name
        self.status = status
        self.settings = settings
        self.previousSecretUntil = previousSecretUntil
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        sourceID = try container.decode(WebhookSourceID.self, forKey: .sourceID)
        kind = try container.decode(WebhookKind.self, forKey: .kind)
        name = try container.decode(String.self, forKey: .name)
        status = try container.decode(WebhookSourceStatus.self, forKey: .status)
        settings =
            switch kind {
            case .shopify: .shopify(try container.decode(ShopifySettings.self, forKey: .settings))
            case .stripe: .stripe(try container.decode(StripeSettings.self, forKey: .settings))
            case .custom: .custom(try container.decode(CustomSettings.self, forKey: .settings))
            }
        previousSecretUntil = try container.decodeIfPresent(
            Timestamp.self, forKey: .previousSecretUntil)
        createdAt = try container.decode(Timestamp.self, forKey: .createdAt)
        updatedAt = try container.decode(Timestamp.self, forKey: .updatedAt)
        url = try container.decodeIfPresent(String.self, forKey: .url)
        secret = try container.decodeIfPresent(String.self, forKey: .secret)
    }
}

/// A webhook as it came: nothing of it has been parsed.
struct ReceivedWebhook: Sendable {
    let headers: HTTPHeaders
    /// The bytes that were signed.
    let body: [UInt8]
    let receivedAt: Timestamp

    /// The value of a header that must come exactly once; nil otherwise.
    func header(_ name: String) -> String? {
        let values = headers.values(name)
        return values.count == 1 && !values[0].isEmpty ? values[0] : nil
    }
}

/// What a webhook comes to.
struct WebhookReading: Sendable {
    /// Why no event comes of it.
    enum Ignored: String, Sendable, Codable {
        /// Nobody here waits for it.
        case unknownTopic = "unknown_topic"
        /// It was told before, or another topic tells it better.
        case toldOtherwise = "told_otherwise"
        /// It is of the sender's test mode, and the client is not.
        case testMode = "test_mode"
        /// It has not come about yet.
        case notYet = "not_yet"
    }

    enum Outcome: Sendable {
        case event(ToldEvent)
        case ignored(Ignored)
        /// The sender vouches for it, but it is not what its topic promises.
        case unusable([Problem.FieldError])
    }

    /// What the sender calls it, cut to what can be kept.
    let topic: String
    let outcome: Outcome

    init(topic: String, _ outcome: Outcome) {
        self.topic = String(topic.unicodeScalars.prefix(100).map(Character.init))
        self.outcome = outcome
    }
}

/// The one thing that is wrong with a webhook's body.
struct UnusableWebhook: Error, Sendable {
    let problem: Problem.FieldError

    init(_ pointer: String, _ code: String, _ detail: String) {
        problem = Problem.FieldError(pointer: pointer, code: code, detail: detail)
    }
}
