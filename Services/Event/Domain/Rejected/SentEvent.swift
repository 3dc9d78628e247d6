import HTTPKit
import Kernel

/// How an event comes to the platform.
enum EventFront: String, Sendable, Codable, CaseIterable {
    case native, segment, posthog, cloudevents, webhook
}

/// Which door an event came through, and whose.
struct EventDoor: Sendable, Hashable {
    var front = EventFront.native
    /// Nil for webhooks.
    var keyID: APIKeyID?
    /// Of webhooks.
    var sourceID: WebhookSourceID?
}

/// One event as its sender wrote it: enough to read it again as its front does.
struct SentEvent: Sendable {
    let bytes: ArraySlice<UInt8>
    /// What the sender calls it, as far as that can be read.
    var type: String?
    /// What the path of the request said of it (Segment: `track`).
    var call: String?
    /// Counted in its batch.
    var place = 0
    /// When the batch was sent, by the sender's clock.
    var sentAt: Timestamp?
    /// What the batch says once for all of its events.
    var shared: ArraySlice<UInt8>?
    /// Of a webhook: those that decide what it is.
    var headers: [String: String] = [:]

    init(_ bytes: ArraySlice<UInt8>, type: String? = nil) {
        self.bytes = bytes
        self.type = type
    }

    /// A member of a list that `name` tells the type of.
    init(_ event: JSONSlice, typedBy name: String, at place: Int = 0, sentAt: Timestamp? = nil) {
        self.init(event.bytes, type: event[name]?.string)
        self.place = place
        self.sentAt = sentAt
    }
}

extension SentEvent {
    /// Reads it as its front did; nil for webhooks, which their source's settings are needed for.
    ///
    /// - Parameter receivedAt: when it came the first time, which its clock is corrected by.
    func read(as front: EventFront, receivedAt: Timestamp) -> EventReading? {
        guard let slice = try? JSONSlice(parsing: Array(bytes)) else {
            return .rejected(
                eventID: nil,
                EventRejection(code: "malformed_json", detail: "It is not JSON.", pointer: ""))
        }
        switch front {
        case .native:
            do throws(EventRejection) {
                return .event(
                    try IncomingEvent(slice, SenderClock(receivedAt: receivedAt, sentAt: sentAt)))
            } catch {
                return .rejected(eventID: slice["event_id"]?.string, error)
            }
        case .segment:
            let context = shared.flatMap { try? JSONSlice(parsing: Array($0)) }
            return SegmentTranslation(
                receivedAt: receivedAt, sharedSentAt: sentAt, sharedContext: context
            ).read(slice, as: call.flatMap { SegmentCall(rawValue: $0) }, at: place)
        case .posthog:
            return PostHogTranslation(receivedAt: receivedAt, sharedSentAt: sentAt)
                .read(slice, at: place)
        case .cloudevents:
            return CloudEventTranslation(receivedAt: receivedAt).read(slice)
        case .webhook: return nil
        }
    }
}

extension WebhookSettings {
    /// Headers that decide what a webhook comes to, beside those that sign it.
    private var readHeaders: [String] {
        switch self {
        case .stripe: []
        case .shopify:
            [
                ShopifyTranslation.topicHeader, ShopifyTranslation.webhookHeader,
                ShopifyTranslation.eventHeader, ShopifyTranslation.shopHeader,
                ShopifyTranslation.timeHeader,
            ]
        case .custom(let settings):
            [CustomTranslation.idHeader, settings.mapping.event.header]
                .compactMap(\.self) + [settings.mapping.eventID?.header].compactMap(\.self)
        }
    }

    /// A webhook as it is kept when nothing came of it.
    func sent(_ webhook: ReceivedWebhook, topic: String) -> SentEvent {
        var sent = SentEvent(webhook.body[...], type: topic.isEmpty ? nil : topic)
        for name in readHeaders {
            if let value = webhook.header(name) { sent.headers[name] = value }
        }
        return sent
    }
}

extension WebhookSource {
    /// Reads a kept webhook as the source's settings stand now.
    func read(
        again sent: SentEvent, receivedAt: Timestamp, acceptsTests: Bool
    ) -> EventReading {
        var headers = HTTPHeaders()
        for (name, value) in sent.headers { headers.add(name, value) }
        let webhook = ReceivedWebhook(
            headers: headers, body: Array(sent.bytes), receivedAt: receivedAt)
        let reading = settings.read(webhook, of: sourceID, acceptsTests: acceptsTests)
        switch reading.outcome {
        case .ignored(let reason):
            return .rejected(
                eventID: nil,
                EventRejection(
                    code: reason.rawValue, detail: "The source takes no event from it.",
                    pointer: ""))
        case .unusable(let problems):
            return .rejected(eventID: nil, EventRejection(problems))
        case .event(let told):
            do throws(EventRejection) {
                return .event(
                    try WebhookEvent(told, topic: reading.topic, sourceID, settings)
                        .incoming(receivedAt: receivedAt))
            } catch {
                return .rejected(eventID: told.eventID, error)
            }
        }
    }
}

extension EventRejection {
    /// The first of what is wrong with a webhook.
    init(_ problems: [Problem.FieldError]) {
        self.init(
            code: problems.first?.code ?? "unusable",
            detail: problems.first?.detail ?? "It does not fit the source's mapping.",
            pointer: problems.first?.pointer ?? "")
    }
}
