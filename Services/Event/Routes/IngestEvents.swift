import Contracts
import HTTPKit
import Kernel
import ServiceKit

/// `POST /v1/sdk/events`: takes a batch of events; one bad event never takes good ones with it.
struct IngestEvents: Sendable {
    /// The largest body, in bytes.
    static let maximumBytes = 500_000
    /// The most events in one body.
    static let maximumEvents = 2500
    static let limits = RouteLimits(bodyLimitBytes: maximumBytes)

    let appender: LogAppender

    func respond(_ request: HTTPRequest, _ principal: SDKPrincipal) async throws -> HTTPResponse {
        let body = try JSONSlice(parsing: request.body)
        let events = try Self.events(in: body)
        let context = IngestContext(
            clientID: principal.clientID, trust: principal.trust,
            receivedAt: request.context.receivedAt,
            traceparent: request.context.trace.traceparent)
        var results: [IngestResult?] = Array(repeating: nil, count: events.count)
        var accepted: [(index: Int, eventID: String)] = []
        var pending: [PendingEvent] = []
        for (index, slice) in events.enumerated() {
            do throws(EventRejection) {
                let event = try IncomingEvent(slice, receivedAt: context.receivedAt)
                pending.append(EventEnvelope.pending(event, context))
                accepted.append((index, event.eventID))
            } catch {
                results[index] = .rejected(eventID: slice["event_id"]?.string, error)
            }
        }
        if !pending.isEmpty {
            let outcomes = try await append(pending)
            for (place, result) in zip(accepted, outcomes) {
                results[place.index] = .logged(eventID: place.eventID, result.outcome)
            }
        }
        return .bytes(
            IngestReply.bytes(results.compactMap(\.self)), contentType: MediaType.json, status: 202)
    }

    private func append(
        _ events: [PendingEvent]
    ) async throws(Problem) -> [(shard: Int, outcome: AppendOutcome)] {
        do {
            return try await appender.append(events)
        } catch {
            throw .unavailable(
                "log_unavailable",
                "The events could not be written. Send the same events again shortly.")
        }
    }

    private static func events(in body: JSONSlice) throws(Problem) -> [JSONSlice] {
        guard let list = body["events"], list.kind == .array else {
            throw .badRequest(
                "events_required", "Send {\"events\": […]}.", pointer: "/events")
        }
        let events = list.elements
        guard (1...maximumEvents).contains(events.count) else {
            throw .badRequest(
                "invalid_event_count", "Send 1 to \(maximumEvents) events at a time.",
                pointer: "/events")
        }
        return events
    }
}
