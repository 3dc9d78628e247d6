import Contracts
import HTTPKit
import Kernel
import ServiceKit

/// `POST /v1/portal/webhook-sources/{source_id}/dry-run`: what a webhook would come to. Nothing is
/// written and no signature asked for.
struct DryRunWebhook: Sendable {
    private struct Sample: Decodable {
        let headers: [String: String]?
        let body: JSONValue
        /// Tried instead of those in force.
        let settings: JSONValue?
    }

    private struct Answer: Encodable {
        enum Outcome: String, Encodable { case event, ignored, unusable }

        let outcome: Outcome
        let topic: String
        var reason: WebhookReading.Ignored?
        var event: JSONValue?
        var problems: [Problem.FieldError]?
    }

    /// Stands for the ids that a sender gives, which samples lack.
    private static let standInID = "dry-run"

    let store: WebhookSourceStore
    let world: World

    func respond(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse
    {
        try principal.require(ManageWebhookSources.scope)
        let sample = try request.decode(Sample.self)
        let id = try ManageWebhookSources.id(request)
        guard let source = try await store.find(id, of: principal.clientID) else {
            throw WebhookFailure.sourceUnknown
        }
        let settings =
            try sample.settings.map { try WebhookSettings.read($0, kind: source.kind) }
            ?? source.settings
        var headers = HTTPHeaders()
        for (name, value) in sample.headers ?? [:] { headers.add(name, value) }
        for name in [ShopifyTranslation.webhookHeader, CustomTranslation.idHeader]
        where !headers.contains(name) {
            headers.add(name, Self.standInID)
        }
        let webhook = ReceivedWebhook(
            headers: headers, body: try JSONCoding.encode(sample.body),
            receivedAt: world.clock.now())
        let reading = settings.read(
            webhook, of: id, acceptsTests: principal.mode == .test)
        return .json(try Self.answer(reading, source.sourceID, settings, webhook))
    }

    private static func answer(
        _ reading: WebhookReading, _ id: WebhookSourceID, _ settings: WebhookSettings,
        _ webhook: ReceivedWebhook
    ) throws -> Answer {
        switch reading.outcome {
        case .ignored(let reason):
            return Answer(outcome: .ignored, topic: reading.topic, reason: reason)
        case .unusable(let problems):
            return Answer(outcome: .unusable, topic: reading.topic, problems: problems)
        case .event(let told):
            let translated = WebhookEvent(told, topic: reading.topic, id, settings)
            do throws(EventRejection) {
                _ = try translated.incoming(receivedAt: webhook.receivedAt)
            } catch {
                return Answer(
                    outcome: .unusable, topic: reading.topic, event: translated.document,
                    problems: [error.field])
            }
            return Answer(outcome: .event, topic: reading.topic, event: translated.document)
        }
    }
}
