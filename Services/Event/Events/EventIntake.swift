import HTTPKit
import Kernel

/// One event of a request as its front read it.
enum EventReading: Sendable {
    case event(IncomingEvent)
    /// `eventID` when it could be read.
    case rejected(eventID: String?, EventRejection)

    /// Throws why there is none.
    var event: IncomingEvent {
        get throws(EventRejection) {
            switch self {
            case .event(let event): return event
            case .rejected(_, let rejection): throw rejection
            }
        }
    }

    /// When it could be read.
    var eventID: String? {
        switch self {
        case .event(let event): event.eventID
        case .rejected(let eventID, _): eventID
        }
    }
}

/// The one way of clients' events into the log, whichever front they came through.
struct EventIntake: Sendable {
    let appender: LogAppender
    let pace: EventPace
    let enricher: Enricher
    let rejected: RejectedEvents
    let volumes: EventVolumes
    let catalogues: CatalogueCache
    let clock: any TimeSource

    /// Commits what can be taken and tells what became of each, in the order given; a bad event
    /// never takes good ones with it.
    ///
    /// Throws 503 with `Retry-After` when nothing of it may be in the log, and 429 when the client
    /// sends too many; sending the same again is safe then.
    ///
    /// - Parameter sent: what was sent at a place, for keeping what is rejected.
    func take(
        _ readings: [EventReading], _ context: IngestContext, sent: (_ place: Int) -> SentEvent
    ) async throws(Problem) -> [IngestResult] {
        let results = try await take(readings, context)
        await keep(results, context, sent)
        return results
    }

    /// The same without keeping what is rejected: it is kept already.
    func take(
        _ readings: [EventReading], _ context: IngestContext
    ) async throws(Problem) -> [IngestResult] {
        // Whoever cannot sign takes nothing of what the client may send.
        let catalogue = try await catalogue(of: context.clientID)
        let person = try vouchedPerson(context, catalogue)
        try pace.count(readings.count, context)
        let checked = check(readings, context, catalogue, person)
        var outcomes: ArraySlice<(shard: Int, outcome: AppendOutcome)> = []
        if !checked.pending.isEmpty {
            outcomes = try await append(checked.pending, of: context.clientID)[...]
        }
        var results: [IngestResult] = []
        results.reserveCapacity(readings.count)
        for (reading, rejection) in zip(readings, checked.rejections) {
            if let rejection {
                results.append(.rejected(eventID: reading.eventID, rejection))
            } else if case .event(let event) = reading, let result = outcomes.popFirst() {
                results.append(.logged(eventID: event.eventID, result.outcome))
            }
        }
        volumes.count(readings, results, context)
        return results
    }

    /// What can be taken of a batch.
    private struct Checked {
        var pending: [PendingEvent] = []
        /// Of each reading why it cannot; nil for those that are pending.
        var rejections: [EventRejection?] = []
    }

    private func check(
        _ readings: [EventReading], _ context: IngestContext, _ catalogue: ClientCatalogue,
        _ person: String?
    ) -> Checked {
        var checked = Checked()
        checked.pending.reserveCapacity(readings.count)
        checked.rejections.reserveCapacity(readings.count)
        let facts = enricher.facts(of: context.origin, context.clientID)
        var memory = Enricher.Memory()
        var fitting: IncomingEvent?
        let trust = context.trust
        // One for all: it has much to count references of.
        var context = context
        for reading in readings {
            do throws(EventRejection) {
                let event = try reading.event
                try catalogue.check(
                    event, isNative: context.door.front == .native, after: fitting)
                fitting = event
                if let person {
                    context.trust = try UserToken.trust(in: event, of: person, trust)
                }
                if let rejection = pace.rejection(of: event, context) { throw rejection }
                let surroundings = enricher.context(
                    of: event, context, facts: facts, memory: &memory)
                checked.pending.append(
                    EventEnvelope.pending(event, context, surroundings: surroundings))
                checked.rejections.append(nil)
            } catch {
                checked.rejections.append(error)
            }
        }
        return checked
    }

    /// Writes down what was rejected, and what another event's id kept out of the log.
    private func keep(
        _ results: [IngestResult], _ context: IngestContext, _ sent: (_ place: Int) -> SentEvent
    ) async {
        var kept: [RejectedEvent] = []
        for (place, result) in results.enumerated() {
            guard let (eventID, reason) = result.refusal else { continue }
            kept.append(
                RejectedEvent(
                    rejected.nextID(), reason, eventID: eventID, sent: sent(place), context))
        }
        if !kept.isEmpty { await rejected.keep(kept) }
    }

    /// Whose user token came with a request that counts. Throws 401 when a signature or token that
    /// should count does not.
    private func vouchedPerson(
        _ context: IngestContext, _ catalogue: ClientCatalogue
    ) throws(Problem) -> String? {
        if let keyID = context.door.keyID, let signed = context.signed,
            let keys = catalogue.secrets[EventSecretScope.key(keyID).rowID(of: context.clientID)]
        {
            try BodySignature.check(signed.signature, signed.body, keys, at: clock.now())
        }
        guard let token = context.userToken else { return nil }
        let scope = EventSecretScope.userTokens
        return try UserToken.subject(
            of: token, catalogue.secrets[scope.rowID(of: context.clientID)], clock: clock)
    }

    private func catalogue(of client: ClientID) async throws(Problem) -> ClientCatalogue {
        do {
            return try await catalogues.catalogue(of: client)
        } catch {
            // What keeps the types from being read keeps the log from being written.
            throw .unavailable(
                "log_unavailable",
                "The events could not be written. Send the same events again shortly.")
        }
    }

    private func append(
        _ events: [PendingEvent], of client: ClientID
    ) async throws(Problem) -> [(shard: Int, outcome: AppendOutcome)] {
        do {
            return try await appender.append(events, of: client)
        } catch LogFailure.overloaded {
            throw .unavailable(
                "log_overloaded",
                "More events wait to be written than may wait. Send the same events again shortly.",
                retryAfter: .seconds(2))
        } catch {
            throw .unavailable(
                "log_unavailable",
                "The events could not be written. Send the same events again shortly.")
        }
    }
}
