import HTTPKit
import Kernel

/// One event of a request as its front read it.
enum EventReading: Sendable {
    case event(IncomingEvent)
    /// `eventID` when it could be read.
    case rejected(eventID: String?, EventRejection)
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
        var results: [IngestResult?] = Array(repeating: nil, count: readings.count)
        var places: [(index: Int, eventID: String)] = []
        var pending: [PendingEvent] = []
        let facts = enricher.facts(of: context.origin, context.clientID)
        var visits = Visit.Memory()
        for (index, reading) in readings.enumerated() {
            var context = context
            switch Self.checked(reading, &context, catalogue, person) {
            case .event(let event):
                if let rejection = pace.rejection(of: event, context) {
                    results[index] = .rejected(eventID: event.eventID, rejection)
                    continue
                }
                pending.append(
                    EventEnvelope.pending(
                        event, context,
                        surroundings: enricher.context(
                            of: event, context, facts: facts, visits: &visits)))
                places.append((index, event.eventID))
            case .rejected(let eventID, let rejection):
                results[index] = .rejected(eventID: eventID, rejection)
            }
        }
        if !pending.isEmpty {
            let outcomes = try await append(pending, of: context.clientID)
            for (place, result) in zip(places, outcomes) {
                results[place.index] = .logged(eventID: place.eventID, result.outcome)
            }
        }
        let told = results.compactMap(\.self)
        volumes.count(readings, told, context)
        return told
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

    /// Refuses what does not fit the client's types or the token's person; else says in the context
    /// how far the event can be believed.
    private static func checked(
        _ reading: EventReading, _ context: inout IngestContext, _ catalogue: ClientCatalogue,
        _ person: String?
    ) -> EventReading {
        guard case .event(let event) = reading else { return reading }
        do throws(EventRejection) {
            try catalogue.check(event, isNative: context.door.front == .native)
            if let person {
                context.trust = try UserToken.trust(in: event, of: person, context.trust)
            }
            return reading
        } catch {
            return .rejected(eventID: event.eventID, error)
        }
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
