import Contracts
import HTTPKit
import Kernel
import SecurityKit
import ServiceKit

/// `POST /v1/hooks/{source_id}`: somebody else's webhook. The signature is checked over the bytes
/// as they came, and only then is anything of them read.
struct ReceiveWebhook: Sendable {
    /// The largest body, in bytes: an order with hundreds of lines.
    static let maximumBytes = 1 << 20
    /// Senders hang up after five seconds.
    static let limits = RouteLimits(
        bodyLimitBytes: maximumBytes, deadline: .seconds(4), contentTypes: [])

    private struct Answer: Encodable {
        enum Status: String, Encodable { case accepted, duplicate, ignored }

        let status: Status
        var eventID: String?
        var reason: String?

        private enum CodingKeys: String, CodingKey {
            case status, reason
            case eventID = "event_id"
        }
    }

    private let store: WebhookSourceStore
    private let sealing: SealingKey
    private let intake: EventIntake
    private let limiter: RateLimiter
    private let policy: RateLimitPolicy
    private let world: World

    init(
        store: WebhookSourceStore, sealing: SealingKey, intake: EventIntake,
        webhooksPerSecond: Int, context: ServiceContext
    ) {
        self.store = store
        self.sealing = sealing
        self.intake = intake
        limiter = context.limiter
        policy = RateLimitPolicy("webhooks", limit: webhooksPerSecond, per: .seconds(1))
        world = context.world
    }

    func respond(_ request: HTTPRequest) async throws -> HTTPResponse {
        guard let id = request.pathParameters["source_id"].flatMap({ WebhookSourceID($0) }),
            let receiver = try await store.receiver(id)
        else {
            throw Problem(
                status: 404, code: "webhook_source_unknown",
                detail: "There is no webhook source at this address.")
        }
        try await limiter.enforce(
            [RateLimitSubject(policy, id.description)], scope: receiver.clientID)
        try Self.checkStanding(of: receiver)
        let webhook = ReceivedWebhook(
            headers: request.headers, body: request.body, receivedAt: request.context.receivedAt)
        let keys = try receiver.keys(sealing, at: webhook.receivedAt)
        guard WebhookSignature.isValid(webhook, receiver.source.settings, keys: keys) else {
            count(receiver, "refused")
            request.context.logger.notice(
                "webhook with a wrong signature", [("source_id", .text(id.description))])
            throw Problem.unauthorized(
                "invalid_signature", "The webhook's signature is missing, wrong or too old.")
        }
        return try await take(webhook, receiver, request.context)
    }

    private static func checkStanding(of receiver: WebhookReceiver) throws(Problem) {
        guard receiver.source.status == .enabled else {
            throw Problem(
                status: 410, code: "webhook_source_disabled",
                detail: "This webhook source is switched off.")
        }
        guard receiver.clientStatus == .active else {
            throw .forbidden(
                "client_\(receiver.clientStatus.rawValue)",
                "This client may not use the platform.")
        }
    }

    private func take(
        _ webhook: ReceivedWebhook, _ receiver: WebhookReceiver, _ context: RequestContext
    ) async throws -> HTTPResponse {
        let source = receiver.source
        let reading = source.settings.read(
            webhook, of: source.sourceID, acceptsTests: receiver.mode == .test)
        switch reading.outcome {
        case .ignored(let reason):
            try await note(reading.topic, reason.rawValue, "", receiver, context)
            return .json(Answer(status: .ignored, reason: reason.rawValue))
        case .unusable(let problems):
            return try await refuse(problems, reading.topic, webhook, receiver, context)
        case .event(let told):
            let event: IncomingEvent
            do throws(EventRejection) {
                event = try WebhookEvent(
                    told, topic: reading.topic, source.sourceID, source.settings
                )
                .incoming(receivedAt: webhook.receivedAt)
            } catch {
                return try await refuse([error.field], reading.topic, webhook, receiver, context)
            }
            return try await append(event, reading.topic, webhook, receiver, context)
        }
    }

    /// A repeat of one delivery and another telling of the same thing are both taken already.
    private func append(
        _ event: IncomingEvent, _ topic: String, _ webhook: ReceivedWebhook,
        _ receiver: WebhookReceiver, _ context: RequestContext
    ) async throws -> HTTPResponse {
        let results = try await intake.take([.event(event)], IngestContext(receiver, context))
        if case .rejected(_, let rejection) = results.first {
            return try await refuse([rejection.field], topic, webhook, receiver, context)
        }
        let status: Answer.Status =
            if case .logged(_, .accepted) = results.first { .accepted } else { .duplicate }
        count(receiver, status.rawValue)
        return .json(Answer(status: status, eventID: event.eventID))
    }

    /// A client's own system is told what does not fit, and sends again when the mapping is put
    /// right. A shop or payment provider would not change its webhook, and give up on the address.
    private func refuse(
        _ problems: [Problem.FieldError], _ topic: String, _ webhook: ReceivedWebhook,
        _ receiver: WebhookReceiver, _ context: RequestContext
    ) async throws -> HTTPResponse {
        let first = problems.first
        let detail = first.map { "\($0.pointer) \($0.code): \($0.detail)" } ?? ""
        try await note(topic, "unusable", detail, receiver, context)
        let rejected = intake.rejected
        await rejected.keep([
            RejectedEvent(
                rejected.nextID(), EventRejection(problems), eventID: nil,
                sent: receiver.source.settings.sent(webhook, topic: topic),
                IngestContext(receiver, context))
        ])
        guard receiver.source.kind == .custom else {
            return .json(Answer(status: .ignored, reason: "unusable"))
        }
        throw Problem(
            status: 422, code: "webhook_unusable",
            detail: first?.detail ?? "The webhook does not fit the source's mapping.",
            errors: problems)
    }

    private func note(
        _ topic: String, _ reason: String, _ detail: String, _ receiver: WebhookReceiver,
        _ context: RequestContext
    ) async throws {
        count(receiver, reason)
        let id = receiver.source.sourceID
        context.logger.info(
            "webhook without an event",
            [
                ("source_id", .text(id.description)), ("topic", .text(topic)),
                ("reason", .text(reason)), ("detail", .text(detail)),
            ])
        let kept = String(detail.unicodeScalars.prefix(500).map(Character.init))
        try await store.note(
            topic, reason, kept, of: id, client: receiver.clientID, at: context.receivedAt)
    }

    private func count(_ receiver: WebhookReceiver, _ result: String) {
        world.telemetry.metrics.counter(
            "grapevine_event_webhooks_total",
            help: "Webhooks that came in, by what became of them.",
            [("kind", receiver.source.kind.rawValue), ("result", result)]
        ).increment()
    }
}

extension IngestContext {
    fileprivate init(_ receiver: WebhookReceiver, _ context: RequestContext) {
        self.init(
            clientID: receiver.clientID, trust: .webhook, receivedAt: context.receivedAt,
            traceparent: context.trace.traceparent,
            door: EventDoor(front: .webhook, sourceID: receiver.source.sourceID))
    }
}
