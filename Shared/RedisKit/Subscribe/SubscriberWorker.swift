import Kernel

/// The thread behind a `Subscriber`: keeps the server's subscriptions equal to the table's.
final class SubscriberWorker {
    private let subscriber: Subscriber
    private let configuration: RedisConfiguration
    private var backoff: Backoff
    private var isKnownDown = false

    init(subscriber: Subscriber) {
        self.subscriber = subscriber
        configuration = subscriber.configuration
        backoff = Backoff(
            base: configuration.backoffMinimum, limit: configuration.backoffMaximum)
    }

    /// Returns after the subscriber was stopped.
    func run() {
        while subscriber.wanted() != nil {
            do throws(RedisError) {
                let connection = try RedisConnection.open(configuration)
                isKnownDown = false
                subscriber.up.set(1)
                var session = SubscriberSession(subscriber, connection)
                while try session.turn() { backoff.succeed() }
            } catch {
                noteLoss(error)
                pause(backoff.fail())
            }
        }
        subscriber.up.set(0)
    }

    private func noteLoss(_ error: RedisError) {
        subscriber.up.set(0)
        subscriber.announceLoss()
        guard !isKnownDown else { return }
        isKnownDown = true
        subscriber.logger.warning(
            "redis subscriber disconnected", [("code", .text("\(error.code)"))])
    }

    /// Every change of the table rings too, so the pause must survive that.
    private func pause(_ duration: Duration) {
        let end = ContinuousClock.now + duration
        while subscriber.wanted() != nil, end > .now {
            _ = subscriber.doorbell.wait(socket: nil, writable: false, limit: end - .now)
        }
    }
}

/// What one connection of the subscriber knows.
struct SubscriberSession {
    private let subscriber: Subscriber
    private let connection: RedisConnection
    /// Sent to the server, confirmed or not.
    private var requested: Set<String> = []
    private var confirmed: Set<String> = []
    private var lastSign = ContinuousClock.now
    private var askedAt: ContinuousClock.Instant?

    init(_ subscriber: Subscriber, _ connection: RedisConnection) {
        self.subscriber = subscriber
        self.connection = connection
    }

    /// One round of adjusting, waiting and delivering. False when it is time to end.
    mutating func turn() throws(RedisError) -> Bool {
        guard let wanted = subscriber.wanted() else { return false }
        try adjust(to: wanted)
        subscriber.announceToLatecomers(of: confirmed)
        try checkLife()
        try connection.flush()
        let limit = subscriber.configuration
        let ready = subscriber.doorbell.wait(
            socket: connection.socket, writable: connection.hasUnsentBytes,
            limit: askedAt == nil ? limit.subscriptionCheckInterval : limit.stallLimit)
        guard ready else { return true }
        for answer in try connection.receive() { try handle(answer) }
        return true
    }

    private mutating func adjust(to wanted: Set<String>) throws(RedisError) {
        guard wanted != requested else { return }
        try send("PUNSUBSCRIBE", requested.subtracting(wanted))
        try send("PSUBSCRIBE", wanted.subtracting(requested))
        confirmed.formIntersection(wanted)
        requested = wanted
    }

    private func send(_ command: String, _ patterns: Set<String>) throws(RedisError) {
        guard !patterns.isEmpty else { return }
        var bytes: [UInt8] = []
        CommandEncoder.append([.text(command)] + patterns.map { .text($0) }, to: &bytes)
        try connection.append(bytes)
    }

    /// A dead peer sends nothing, exactly as a quiet one: ask after a while.
    private mutating func checkLife() throws(RedisError) {
        let now = ContinuousClock.now
        if let askedAt {
            guard now < askedAt + subscriber.configuration.stallLimit else {
                throw RedisError(.connectionLost, detail: "The server does not answer.")
            }
        } else if now >= lastSign + subscriber.configuration.subscriptionCheckInterval {
            askedAt = now
            var bytes: [UInt8] = []
            CommandEncoder.append(["PING"], to: &bytes)
            try connection.append(bytes)
        }
    }

    private mutating func handle(_ answer: RedisValue) throws(RedisError) {
        lastSign = .now
        askedAt = nil
        if case .error(let error) = answer { throw error }
        guard let parts = answer.array, parts.count >= 3, let kind = parts[0].string,
            let pattern = parts[1].string
        else { return }
        switch kind {
        case "psubscribe":
            guard requested.contains(pattern) else { return }
            confirmed.insert(pattern)
            subscriber.announceConfirmation(of: pattern)
        case "pmessage":
            guard parts.count == 4, let channel = parts[2].string, let payload = parts[3].string
            else { return }
            subscriber.deliver(pattern: pattern, channel: channel, payload: payload)
        default: break
        }
    }
}
