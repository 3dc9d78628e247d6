import Contracts
import Kernel
import MessagingKit
import RedisKit
import Synchronization

/// Follows the log for everybody who watches on this replica, and only while somebody does.
final class LiveFeed: Sendable {
    /// Views at once on one replica, and those of one client among them.
    static let limit = 1000
    static let limitPerClient = 50
    /// How long the log is still followed after the last view was closed.
    private static let linger: Duration = .seconds(30)
    /// The most pages that a returning viewer is brought, 500 positions or more each.
    private static let historyPages = 20

    private struct State {
        var subscriptions: [ClientID: [ObjectIdentifier: LiveSubscription]] = [:]
        var count = 0
        var isFollowing = false
        var emptySince: ContinuousClock.Instant?
    }

    private let log: any LogPort
    private let redis: RedisClient?
    private let world: World
    private let state = Mutex(State())
    private let changes = WakeSignal()
    private let views: Gauge

    init(log: any LogPort, redis: RedisClient?, world: World) {
        self.log = log
        self.redis = redis
        self.world = world
        views = world.telemetry.metrics.gauge(
            "grapevine_analytics_live_views", help: "Open live views.")
    }

    // MARK: - Following

    /// Follows the log whenever somebody watches, until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            let seen = changes.raises
            guard state.withLock({ $0.count > 0 }) else {
                await changes.wait(past: seen, within: .seconds(60))
                continue
            }
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.follow() }
                group.addTask { await self.waitUntilNobodyWatches() }
                await group.next()
                group.cancelAll()
            }
        }
    }

    private func follow() async {
        let tail = Tail(
            types: nil, log: log, redis: redis, world: world,
            onStart: { [self] in
                state.withLock { $0.isFollowing = true }
                changes.raise()
            },
            onEvents: { [self] in publish($0) })
        await tail.run()
        state.withLock { $0.isFollowing = false }
    }

    private func waitUntilNobodyWatches() async {
        while !Task.isCancelled {
            let isOver = state.withLock { state in
                guard let since = state.emptySince, since.duration(to: .now) > Self.linger else {
                    return false
                }
                // Under the same lock as a new view's look at it.
                state.isFollowing = false
                return true
            }
            if isOver { return }
            try? await Task.sleep(for: .seconds(1))
        }
    }

    func publish(_ events: [LogEvent]) {
        let watched = state.withLock { $0.subscriptions }
        // All of a page is usually of few clients.
        for (clientID, subscriptions) in watched {
            let live = events.lazy.filter { $0.clientID == clientID }.compactMap { LiveEvent($0) }
            let own = Array(live)
            guard !own.isEmpty else { continue }
            for subscription in subscriptions.values { subscription.offer(own) }
        }
    }

    // MARK: - Watching

    /// Open views.
    var viewCount: Int { state.withLock { $0.count } }

    /// Begins to watch. Throws 429 and 503 when there are too many views, and 503 when the log
    /// cannot be followed now.
    func open(clientID: ClientID, campaignID: CampaignID?) async throws -> LiveSubscription {
        let subscription = LiveSubscription(clientID: clientID, campaignID: campaignID)
        try add(subscription)
        let deadline = ContinuousClock.now + .seconds(5)
        while true {
            let seen = changes.raises
            if state.withLock({ $0.isFollowing }) { return subscription }
            let rest = ContinuousClock.now.duration(to: deadline)
            guard rest > .zero, !Task.isCancelled else { break }
            await changes.wait(past: seen, within: rest)
        }
        close(subscription)
        throw Problem.unavailable(
            "live_unavailable", "Events cannot be followed right now. Try again shortly.")
    }

    /// Throws what `open` would, and has the log followed for a while.
    func prepare(clientID: ClientID) async throws {
        close(try await open(clientID: clientID, campaignID: nil))
    }

    func close(_ subscription: LiveSubscription) {
        state.withLock { state in
            let id = ObjectIdentifier(subscription)
            guard state.subscriptions[subscription.clientID]?.removeValue(forKey: id) != nil else {
                return
            }
            if state.subscriptions[subscription.clientID]?.isEmpty == true {
                state.subscriptions[subscription.clientID] = nil
            }
            state.count -= 1
            if state.count == 0 { state.emptySince = .now }
            views.set(state.count)
        }
    }

    private func add(_ subscription: LiveSubscription) throws {
        try state.withLock { state throws(Problem) in
            guard state.count < Self.limit else {
                throw .unavailable(
                    "too_many_views", "There is no room for another live view. Try again later.")
            }
            var own = state.subscriptions[subscription.clientID] ?? [:]
            guard own.count < Self.limitPerClient else {
                throw Problem(
                    status: 429, code: "too_many_views",
                    detail: "A client may have \(Self.limitPerClient) live views at once.",
                    retryAfter: .seconds(10))
            }
            own[ObjectIdentifier(subscription)] = subscription
            state.subscriptions[subscription.clientID] = own
            state.count += 1
            state.emptySince = nil
            views.set(state.count)
        }
        changes.raise()
    }

    // MARK: - Coming back

    /// What a viewer has missed, as far as it is brought.
    struct History: Sendable {
        var events: [LiveEvent] = []
        /// Everything up to here is in `events`, unless there is a gap.
        var end: LogPosition
        /// Whether there was too much to bring; the end is then the log's head.
        var hasGap = false
    }

    /// What happened for a viewer after a position, from the log.
    ///
    /// The subscription was opened before, so what comes later than the end is or will be there.
    func history(
        of subscription: LiveSubscription, after position: LogPosition
    ) async throws -> History {
        guard position.shard < (try await log.shardCount()) else {
            return History(end: position)
        }
        var history = History(end: position)
        for _ in 0..<Self.historyPages {
            let page = try await log.feed(
                FeedRequest(
                    subscriber: nil, shard: position.shard, after: history.end.position))
            history.events += page.events.lazy.compactMap { LiveEvent($0) }
                .filter(subscription.wants)
            history.end = LogPosition(shard: position.shard, position: page.next)
            // A position that is not the log's own (it was laid anew) has nothing to bring.
            if page.next >= page.head || page.next <= position.position { return history }
            if history.events.count > LiveSubscription.limit { break }
        }
        let page = try await log.feed(
            FeedRequest(subscriber: nil, shard: position.shard, after: 0, limit: 0))
        history.hasGap = page.head > history.end.position
        history.end = LogPosition(shard: position.shard, position: page.head)
        return history
    }
}
