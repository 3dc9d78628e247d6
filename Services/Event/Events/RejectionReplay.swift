import Contracts
import FoundationEssentials
import HTTPKit
import Kernel

/// Sends rejected events through the intake again, as whoever sent them first.
struct RejectionReplay: Sendable {
    /// Who asked for it.
    struct Caller: Sendable {
        let clientID: ClientID
        /// Whether what a shop did in its test mode counts.
        let acceptsTests: Bool
        let traceparent: String
    }

    let store: RejectedEventStore
    let intake: EventIntake
    let webhookSources: WebhookSourceStore
    let clock: any TimeSource

    /// Sends those of the claimed that are not finished, and tells what became of each claimed one.
    ///
    /// May be called again after a failure: what is in the log already is known there by its id.
    func run(
        _ ids: [RejectionID], for replay: UUID, _ caller: Caller
    ) async throws -> [RejectedEvent] {
        var events = try await store.find(ids, of: caller.clientID)
        var due = events.filter { $0.replayID == replay && $0.replay == nil }[...]
        var outcomes: [RejectionID: RejectedEvent.Replay] = [:]
        // What came by one door goes together, and nothing overtakes what came before it.
        while let first = due.first {
            let group = due.prefix { $0.door == first.door && $0.trust == first.trust }
            due = due.dropFirst(group.count)
            let replays = try await send(Array(group), caller)
            try await store.finish(replays, of: caller.clientID)
            for (id, outcome) in replays { outcomes[id] = outcome }
        }
        for index in events.indices {
            if let outcome = outcomes[events[index].rejectionID] { events[index].replay = outcome }
        }
        return events
    }

    private func send(
        _ events: [RejectedEvent], _ caller: Caller
    ) async throws -> [(id: RejectionID, replay: RejectedEvent.Replay)] {
        var readings: [EventReading] = []
        for event in events { readings.append(try await read(event, caller)) }
        let now = clock.now()
        let results = try await intake.take(
            readings,
            IngestContext(
                clientID: caller.clientID, trust: events[0].trust, receivedAt: now,
                traceparent: caller.traceparent, door: events[0].door))
        return zip(events, results).map { event, result in
            (event.rejectionID, RejectedEvent.Replay(result, at: now))
        }
    }

    private func read(_ event: RejectedEvent, _ caller: Caller) async throws -> EventReading {
        let receivedAt = event.receivedAt
        if let reading = event.sent.read(as: event.door.front, receivedAt: receivedAt) {
            return reading
        }
        guard let id = event.door.sourceID,
            let source = try await webhookSources.find(id, of: caller.clientID)
        else {
            return .rejected(
                eventID: event.eventID,
                EventRejection(
                    code: "webhook_source_unknown",
                    detail: "The webhook source that it came to is gone.", pointer: ""))
        }
        return source.read(
            again: event.sent, receivedAt: receivedAt, acceptsTests: caller.acceptsTests)
    }
}

extension RejectedEvent.Replay {
    init(_ result: IngestResult, at time: Timestamp) {
        let status: Status
        var position: Int?
        switch result {
        case .logged(_, .accepted(let place)): (status, position) = (.accepted, place)
        case .logged(_, .duplicate(let place)), .logged(_, .repeated(let place)):
            (status, position) = (.duplicate, place)
        case .logged(_, .conflict(let place)): (status, position) = (.conflict, place)
        case .rejected: status = .rejected
        }
        let reason = result.refusal?.reason
        self.init(
            status: status, at: time, code: reason?.code, detail: reason?.detail,
            position: position)
    }
}
