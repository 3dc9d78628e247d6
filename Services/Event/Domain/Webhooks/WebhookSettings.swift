import HTTPKit
import Kernel

/// What a client sets for a source, by its kind.
enum WebhookSettings: Sendable {
    case shopify(ShopifySettings)
    case stripe(StripeSettings)
    case custom(CustomSettings)

    var kind: WebhookKind {
        switch self {
        case .shopify: .shopify
        case .stripe: .stripe
        case .custom: .custom
        }
    }

    /// What is wrong with them; pointers begin within the settings.
    var problems: [Problem.FieldError] {
        switch self {
        case .shopify(let settings): settings.problems
        case .stripe(let settings): settings.problems
        case .custom(let settings): settings.problems
        }
    }

    /// Reads what a client sent. Throws 400 with pointers below `/settings`.
    static func read(_ document: JSONValue?, kind: WebhookKind) throws -> WebhookSettings {
        let bytes = try JSONCoding.encode(document ?? [:])
        do throws(Problem) {
            let settings: WebhookSettings =
                switch kind {
                case .shopify: .shopify(try decode(bytes))
                case .stripe: .stripe(try decode(bytes))
                case .custom: .custom(try decode(bytes))
                }
            let problems = settings.problems
            guard problems.isEmpty else { throw Problem.invalid(Array(problems.prefix(20))) }
            return settings
        } catch {
            throw Problem.invalid(
                error.errors.map {
                    .init(pointer: "/settings\($0.pointer)", code: $0.code, detail: $0.detail)
                })
        }
    }

    private static func decode<Value: Decodable>(_ bytes: [UInt8]) throws(Problem) -> Value {
        try JSONCoding.decode(Value.self, from: bytes, strictness: .strict)
    }
}

extension WebhookSettings: Encodable {
    func encode(to encoder: any Encoder) throws {
        switch self {
        case .shopify(let settings): try settings.encode(to: encoder)
        case .stripe(let settings): try settings.encode(to: encoder)
        case .custom(let settings): try settings.encode(to: encoder)
        }
    }
}

extension WebhookSettings {
    /// What a verified webhook comes to. Pure.
    ///
    /// - Parameter acceptsTests: whether what the sender did in its test mode counts.
    func read(
        _ webhook: ReceivedWebhook, of sourceID: WebhookSourceID, acceptsTests: Bool
    ) -> WebhookReading {
        switch self {
        case .shopify(let settings):
            ShopifyTranslation(settings: settings, acceptsTests: acceptsTests).read(webhook)
        case .stripe(let settings):
            StripeTranslation(settings: settings, acceptsTests: acceptsTests).read(webhook)
        case .custom(let settings):
            CustomTranslation(settings: settings, sourceID: sourceID).read(webhook)
        }
    }

    /// Whether an event may come without a person: a refund tells of an order only.
    var allowsNobody: Bool { kind != .custom }
}

extension WebhookReading {
    /// Reads the body and what its topic makes of it; a body that is no JSON is unusable.
    static func make(
        topic: String, of webhook: ReceivedWebhook,
        _ translate: (JSONValue) throws(UnusableWebhook) -> Outcome
    ) -> WebhookReading {
        guard let body = try? JSONCoding.parse(webhook.body), body.object != nil else {
            return WebhookReading(
                topic: topic,
                .unusable([
                    .init(pointer: "", code: "not_an_object", detail: "It is not a JSON object.")
                ]))
        }
        do throws(UnusableWebhook) {
            return WebhookReading(topic: topic, try translate(body))
        } catch {
            return WebhookReading(topic: topic, .unusable([error.problem]))
        }
    }
}
