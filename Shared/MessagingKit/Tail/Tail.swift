package import Contracts
package import Kernel
package import RedisKit

/// Follows the log from its head, in memory: every replica sees every event, none is remembered.
///
/// For caches: they are dropped or loaded when following begins, and each event afterwards says
/// what to drop.
package struct Tail: Sendable {
    /// As a subscriber's, which is to say that a page after a quiet time comes at once.
    private static let gatherInterval = Duration.milliseconds(10)

    private let wanted: Wanted
    private let log: any LogPort
    private let redis: RedisClient?
    private let world: World
    private let pollInterval: Duration
    private let onStart: @Sendable () async throws -> Void
    private let onEvents: @Sendable ([LogEvent]) async -> Void
    private let contacts = TailContacts()

    /// A tail; `run()` does the work.
    ///
    /// - Parameters:
    ///   - types: only these types; nil for all.
    ///   - redis: wakes it at once; without it, it asks the log every `pollInterval`.
    ///   - onStart: called once the heads of all shards are known and before the first event: what
    ///     is read here misses nothing that `onEvents` will not bring. Tried again when it throws.
    ///   - onEvents: called with the events of one shard in order, one call at a time per shard.
    package init(
        types: Set<String>?, log: any LogPort, redis: RedisClient?, world: World,
        pollInterval: Duration = .seconds(1),
        onStart: @escaping @Sendable () async throws -> Void = {},
        onEvents: @escaping @Sendable ([LogEvent]) async -> Void
    ) {
        wanted = types.map { Wanted(types: $0) } ?? .everything
        self.log = log
        self.redis = redis
        self.world = world
        self.pollInterval = pollInterval
        self.onStart = onStart
        self.onEvents = onEvents
    }

    /// The age of the last good contact with the log, of the shard that waits longest. Nil until
    /// all shards are followed and `onStart` has succeeded.
    package var lastContact: Duration? { contacts.age }

    /// Follows until the task is cancelled. Never throws: it backs off and goes on, from where it
    /// was, while the log is away.
    package func run() async {
        guard let heads = await start() else { return }
        let wakeUps = WakeUps(
            redis: redis, wanted: wanted, log: log, shards: heads.count,
            pollInterval: pollInterval, gatherInterval: Self.gatherInterval)
        await withDiscardingTaskGroup { group in
            group.addTask { await wakeUps.run(onHeads: contacts.contact(heads:)) }
            for (shard, head) in heads.enumerated() {
                group.addTask { await follow(shard, from: head, wakeUps.pace(of: shard)) }
            }
        }
    }

    private func start() async -> [Int]? {
        var backoff = Backoff()
        while !Task.isCancelled {
            do {
                let heads = try await heads()
                try await onStart()
                contacts.begin(heads: heads)
                return heads
            } catch {
                report(error)
                try? await Task.sleep(for: backoff.fail(least: error.retryAfter))
            }
        }
        return nil
    }

    private func heads() async throws -> [Int] {
        if let heads = try await log.heads() { return heads }
        var heads: [Int] = []
        for shard in 0..<(try await log.shardCount()) {
            let page = try await log.feed(
                FeedRequest(subscriber: nil, shard: shard, after: 0, limit: 0))
            heads.append(page.head)
        }
        return heads
    }

    private func follow(_ shard: Int, from head: Int, _ pace: ShardPace) async {
        var pace = pace
        var position = head
        var backoff = Backoff(limit: .seconds(1))
        while !Task.isCancelled {
            pace.begin(at: position)
            do {
                let page = try await log.feed(
                    FeedRequest(
                        subscriber: nil, shard: shard, after: position, wanted: wanted,
                        waitMilliseconds: Int(pace.hold.wholeMilliseconds)))
                if !page.events.isEmpty { await onEvents(page.events) }
                contacts.contact(shard, at: page.next)
                backoff.succeed()
                let isBehind = page.next > position && page.next < page.head
                position = max(position, page.next)
                if isBehind { continue }
                await pace.rest(at: position)
            } catch {
                report(error)
                try? await Task.sleep(for: backoff.fail(least: error.retryAfter))
            }
        }
    }

    private func report(_ error: any Error) {
        guard !Task.isCancelled else { return }
        world.telemetry.logger.warning(
            "The log could not be followed; trying again.", [("error", .text(error.label))])
    }
}
