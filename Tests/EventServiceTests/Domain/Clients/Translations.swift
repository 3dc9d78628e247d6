import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import Testing

@testable import EventService

/// Reads what clients of others send, as subscribers will see it.
enum Translations {
    static let now = Timestamp(microseconds: 1_800_000_000_000_000)
    static let client = ClientID(UUID())

    static func parse(_ text: String) throws -> JSONSlice {
        try JSONSlice(parsing: Array(text.utf8))
    }

    static func segment(
        _ text: String, as call: SegmentCall? = nil, context: String? = nil,
        sentAt: Timestamp? = nil
    ) throws -> LogEvent {
        let translation = SegmentTranslation(
            receivedAt: now, sharedSentAt: sentAt, sharedContext: try context.map(parse))
        return try stored(translation.read(try parse(text), as: call))
    }

    static func postHog(_ text: String) throws -> LogEvent {
        try stored(PostHogTranslation(receivedAt: now).read(try parse(text)))
    }

    static func cloudEvent(_ text: String) throws -> LogEvent {
        try stored(CloudEventTranslation(receivedAt: now).read(try parse(text)))
    }

    /// The event as the log would keep it; throws the rejection.
    static func stored(_ reading: EventReading) throws -> LogEvent {
        let pending = try pending(reading)
        let bytes = Array(#"{"position":"3:7","#.utf8) + pending.envelope.dropFirst()
        return try JSONCoding.decode(LogEvent.self, from: bytes, strictness: .lenient)
    }

    static func pending(_ reading: EventReading) throws -> PendingEvent {
        switch reading {
        case .rejected(_, let rejection): throw rejection
        case .event(let event):
            return EventEnvelope.pending(
                event,
                IngestContext(
                    clientID: client, trust: .server, receivedAt: now,
                    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
        }
    }
}
