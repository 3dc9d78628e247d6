import Kernel
import Synchronization

/// How many events a client, and a person behind a publishable key, may send. Counted in this
/// process: requests are counted in Redis for all replicas together, and an event should cost no
/// call to another machine.
final class EventPace: Sendable {
    static let rejectionCode = "participant_rate_limited"

    private let eventsPerSecond: Int
    private let eventsPerMinute: Int
    private let clients: Mutex<TokenBuckets<ClientID>>
    private let people: Mutex<TokenBuckets<Int>>
    private let refused: Counter
    private let rejected: Counter

    /// - Parameters:
    ///   - eventsPerSecond: of one client.
    ///   - eventsPerMinute: of one person, where anybody could send in that person's name.
    init(eventsPerSecond: Int, eventsPerMinute: Int, metrics: Metrics) {
        self.eventsPerSecond = eventsPerSecond
        self.eventsPerMinute = eventsPerMinute
        clients = Mutex(TokenBuckets(limit: eventsPerSecond, per: .seconds(1)))
        people = Mutex(TokenBuckets(limit: eventsPerMinute, per: .seconds(60)))
        refused = metrics.counter(
            "grapevine_rate_limited_total", help: "Requests refused with 429.",
            [("policy", "client_events")])
        rejected = metrics.counter(
            "grapevine_event_participant_limited_total",
            help: "Events rejected because one person sent too many.")
    }

    /// Throws 429 `rate_limited` when the client may not send even one event now: before anything
    /// of a request is read, so that what is refused costs little.
    func admit(_ client: ClientID, at now: Timestamp) throws(Problem) {
        if let wait = clients.withLock({ $0.wait(of: client, at: now) }) {
            throw refusal(wait)
        }
    }

    /// Counts a request's events. Throws 429 `rate_limited` when the client sends too many.
    func count(_ events: Int, _ context: IngestContext) throws(Problem) {
        let wait = clients.withLock {
            $0.take(events, of: context.clientID, at: context.receivedAt)
        }
        if let wait { throw refusal(wait) }
    }

    private func refusal(_ wait: Duration) -> Problem {
        refused.increment()
        return Problem(
            status: 429, code: "rate_limited",
            detail: "A client may send \(eventsPerSecond) events a second. "
                + "Send the same events again after the time in Retry-After.",
            retryAfter: wait)
    }

    /// Why an event is one too many of its person; nil when it is not. What a server or a webhook
    /// tells is not counted: an import brings years of one person at once.
    func rejection(of event: IncomingEvent, _ context: IngestContext) -> EventRejection? {
        guard context.trust == .browser else { return nil }
        var hasher = Hasher()
        hasher.combine(context.clientID)
        hasher.combine(event.externalID)
        // Behind one name the visitors differ only for whoever makes them up.
        if event.externalID == nil { hasher.combine(event.anonymousID) }
        let person = hasher.finalize()
        let wait = people.withLock { $0.take(1, of: person, at: context.receivedAt) }
        guard wait != nil else { return nil }
        rejected.increment()
        return EventRejection(
            code: Self.rejectionCode,
            detail: "One person may send \(eventsPerMinute) events a minute from a browser.",
            pointer: event.externalID == nil ? "/anonymous_id" : "/participant_id")
    }
}
