import Kernel
import Synchronization

/// How many events a client, and a person behind a publishable key, may send. Counted in this
/// process: requests are counted in Redis for all replicas together, and an event should cost no
/// call to another machine.
///
/// Who sends faster is slowed down first: a request waits for its turn, before anything of it is
/// read, so that a flood comes as an even stream and costs others little. What would wait longer
/// than a second, or beyond the bytes that may wait, is refused.
final class EventPace: Sendable {
    static let rejectionCode = "participant_rate_limited"

    /// How long a request may wait for its turn.
    private static let patience = Duration.seconds(1)
    /// Bodies that may wait, of all clients and of one.
    private static let heldBytes = 32 << 20
    private static let heldBytesOfOne = 8 << 20
    /// A waiting request counts as at least so many: it holds connections, too, here and in the
    /// gateway. So 64 of one client may wait.
    private static let requestBytes = 128 << 10
    /// What an event takes in a body, about: so many are foreseen before it is read.
    private static let eventBytes = 600

    private struct Held {
        var bytes = 0
        var bytesOf: [ClientID: Int] = [:]

        func hasRoom(for more: Int, of client: ClientID) -> Bool {
            bytes + more <= heldBytes && bytesOf[client, default: 0] + more <= heldBytesOfOne
        }

        mutating func add(_ more: Int, of client: ClientID) {
            bytes += more
            let rest = bytesOf[client, default: 0] + more
            bytesOf[client] = rest == 0 ? nil : rest
        }
    }

    private let eventsPerSecond: Int
    private let eventsPerMinute: Int
    private let clients: Mutex<TokenBuckets<ClientID>>
    private let held = Mutex(Held())
    private let people: Mutex<TokenBuckets<Int>>
    private let refused: Counter
    private let slowed: Counter
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
        slowed = metrics.counter(
            "grapevine_event_slowed_total",
            help: "Requests with events that waited until their client might send them.")
        rejected = metrics.counter(
            "grapevine_event_participant_limited_total",
            help: "Events rejected because one person sent too many.")
    }

    /// How many events a body holds, as far as its size tells.
    static func foreseen(_ bodyBytes: Int) -> Int { 1 + bodyBytes / eventBytes }

    /// Waits until the client may send as many events as are foreseen in a body of this size.
    ///
    /// Before anything of it is read, so that what is refused costs little. Throws 429
    /// `rate_limited` when that would take too long or too much waits already; late, where there is
    /// room to wait, because who does not heed it would ask again at once.
    func admit(_ client: ClientID, bodyBytes: Int, at now: Timestamp) async throws {
        let bytes = max(bodyBytes, Self.requestBytes)
        let (turn, isHeld) = held.withLock { held in
            let hasRoom = held.hasRoom(for: bytes, of: client)
            let turn = clients.withLock {
                $0.reserve(
                    Self.foreseen(bodyBytes), of: client, at: now,
                    patience: hasRoom ? Self.patience : .zero)
            }
            let isHeld = hasRoom && turn != .after(.zero)
            if isHeld { held.add(bytes, of: client) }
            return (turn, isHeld)
        }
        defer { if isHeld { held.withLock { $0.add(-bytes, of: client) } } }
        switch turn {
        case .after(let wait):
            guard isHeld else { return }
            slowed.increment()
            try await Task.sleep(for: wait)
        case .refused(let wait):
            let pause = isHeld ? min(wait, Self.patience) : .zero
            if isHeld { try await Task.sleep(for: pause) }
            throw refusal(max(wait - pause, .milliseconds(1)))
        }
    }

    /// Counts a request's events. What did not wait for a turn is refused with 429 `rate_limited`
    /// when the client sends too many.
    func count(_ events: Int, _ context: IngestContext) throws(Problem) {
        let wait = clients.withLock { clients in
            guard context.foreseenEvents == 0 else {
                clients.settle(events - context.foreseenEvents, of: context.clientID)
                return nil as Duration?
            }
            return clients.take(events, of: context.clientID, at: context.receivedAt)
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
