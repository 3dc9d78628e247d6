import Contracts
import Kernel
import MessagingKit
import PostgresKit
import RedisKit

/// Brings the log into ClickHouse: each event once, whatever crashes.
///
/// A subscriber like the others, but for two things: what it does is outside its database, so it
/// writes a batch down before it sends it; and it reads everything.
struct EventStream: Sendable {
    /// Known to the log.
    static let subscriber = "analytics"

    let log: any LogPort
    let world: World
    let cursors: CursorStore
    let batches: BatchStore
    let archive: EventArchive
    let inserter: StreamInserter
    let metrics: StreamMetrics
    let batchLimit: Int
    let bounds: SubscriberConfiguration
    let held = HeldShards()
    private let redis: RedisClient?

    init(
        log: any LogPort, redis: RedisClient?, postgres: PostgresClient, archive: EventArchive,
        metrics: StreamMetrics, configuration: AnalyticsConfiguration, world: World
    ) {
        self.log = log
        self.redis = redis
        self.world = world
        self.archive = archive
        self.metrics = metrics
        cursors = CursorStore(
            postgres: postgres, subscriber: Self.subscriber, owner: world.ids.next())
        batches = BatchStore(
            postgres: postgres, cursors: cursors, subscriber: Self.subscriber, world: world)
        inserter = StreamInserter(
            archive: archive, linger: configuration.linger, metrics: metrics)
        batchLimit = configuration.batchLimit
        var bounds = SubscriberConfiguration()
        // Longer than an insert and the questions around it may take.
        bounds.stallLimit = .seconds(120)
        self.bounds = bounds
    }

    /// Works until the task is cancelled, then gives its shards back. Never throws.
    func run() async {
        guard let shards = await prepare() else { return }
        let wakeUps = WakeUps(redis: redis, types: nil, shards: shards)
        await withDiscardingTaskGroup { group in
            group.addTask { await wakeUps.run() }
            let ended = WakeSignal()
            while !Task.isCancelled {
                let seen = ended.raises
                for lease in await share(wakeUps) {
                    group.addTask {
                        await StreamWorker(stream: self, lease: lease, wakeUps: wakeUps).run()
                        held.remove(lease.shard)
                        ended.raise()
                    }
                }
                await ended.wait(past: seen, within: bounds.renewInterval)
            }
            wakeUps.raiseAll()
        }
        // Its own task: this one is cancelled, and the farewell must be said all the same.
        await Task { [cursors] in
            try? await withPostgresDeadline(.now + .seconds(2)) { try await cursors.leave() }
        }.value
    }

    /// Learns the number of shards and makes their cursors; nil when cancelled meanwhile.
    private func prepare() async -> Int? {
        var backoff = Backoff()
        while !Task.isCancelled {
            do {
                let shards = try await log.shardCount()
                try await cursors.prepare(shards: shards)
                return shards
            } catch {
                report("the stream cannot begin; trying again", error)
                try? await Task.sleep(for: backoff.fail())
            }
        }
        return nil
    }

    /// Renews leases, gives back what is too much, takes what is free. The shards taken.
    private func share(_ wakeUps: WakeUps) async -> [ShardCursor] {
        var taken: [ShardCursor] = []
        do {
            let view = try await cursors.renew(
                shards: held.moving(stallLimit: bounds.stallLimit), lease: bounds.leaseDuration)
            let plan = LeasePlan(
                cursors: view.cursors, replicas: view.replicas, owner: cursors.owner,
                held: held.all)
            for shard in plan.giveBack {
                held.giveBack(shard)
                wakeUps.signal(of: shard).raise()
            }
            for cursor in plan.take {
                guard let lease = try await cursors.take(cursor, lease: bounds.leaseDuration)
                else { continue }
                held.add(lease.shard)
                taken.append(lease)
            }
        } catch {
            report("the stream cannot look after its leases; trying again", error)
        }
        return taken
    }

    func report(_ message: String, _ error: any Error) {
        guard !Task.isCancelled else { return }
        world.telemetry.logger.warning(message, [("error", .text(StreamMetrics.label(error)))])
    }
}
