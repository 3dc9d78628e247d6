package import Contracts
package import Kernel
package import PostgresKit
package import RedisKit

/// Reads the log and lets each event take effect once, in the order of its shard, whatever crashes.
///
/// The cursor is in the service's own database and moves in the transaction of what was done,
/// fenced by (position, epoch). Replicas share the shards by leases; one that stalls is passed over
/// and its late transaction is rolled back.
package struct Subscriber: Sendable {
    /// Applies events of one shard, in order, in the transaction that moves the cursor.
    ///
    /// May run again for the same events after a rollback, so it has no effect outside the
    /// transaction. Throws `PoisonEvent` for an event that can never take effect; anything else is
    /// tried again for ever, with backoff and with smaller batches.
    package typealias Apply = @Sendable ([LogEvent], Transaction) async throws -> Void

    /// Known to the log, unique among all subscribers (`reward-service`).
    package let name: String
    /// How far it is.
    package let progress = SubscriberProgress()

    let service: ServiceName
    let types: Set<String>?
    let log: any LogPort
    let postgres: PostgresClient
    let world: World
    let configuration: SubscriberConfiguration
    let apply: Apply
    let cursors: CursorStore
    let held = HeldShards()
    private let redis: RedisClient?

    /// A subscriber over the tables of `MessagingMigrations` in `postgres`; `run()` does the work.
    ///
    /// - Parameters:
    ///   - service: whose crash points it reaches.
    ///   - types: only events of these types are applied; nil for all.
    ///   - redis: wakes it at once; without it, it polls.
    package init(
        service: ServiceName, name: String, types: Set<String>?, postgres: PostgresClient,
        log: any LogPort, redis: RedisClient?, world: World,
        configuration: SubscriberConfiguration = SubscriberConfiguration(),
        apply: @escaping Apply
    ) {
        self.service = service
        self.name = name
        self.types = types
        self.postgres = postgres
        self.log = log
        self.redis = redis
        self.world = world
        self.configuration = configuration
        self.apply = apply
        cursors = CursorStore(postgres: postgres, subscriber: name, owner: world.ids.next())
    }

    /// The age of the last good contact with the log, for readiness; nil before the first.
    package var lastContact: Duration? { progress.lastContact }

    /// Lets calls wait until this subscriber has passed a position.
    package var barrier: PositionBarrier {
        PositionBarrier(subscriber: name, postgres: postgres, progress: progress)
    }

    /// Works until the task is cancelled, then gives its shards back. Never throws: it backs off
    /// and goes on while the log, the database or Redis is away.
    package func run() async {
        guard let shards = await prepare() else { return }
        let wakeUps = WakeUps(redis: redis, types: types, shards: shards)
        await withDiscardingTaskGroup { group in
            group.addTask { await wakeUps.run() }
            // A worker that ended raises it, so that its shard is looked at again at once.
            let ended = WakeSignal()
            while !Task.isCancelled {
                let seen = ended.raises
                for lease in await share(wakeUps) {
                    group.addTask {
                        await ShardWorker(subscriber: self, lease: lease, wakeUps: wakeUps).run()
                        held.remove(lease.shard)
                        ended.raise()
                    }
                }
                await ended.wait(past: seen, within: configuration.renewInterval)
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
                report("A subscriber cannot begin; trying again.", error)
                try? await Task.sleep(for: backoff.fail(least: error.retryAfter))
            }
        }
        return nil
    }

    /// Renews leases, gives back what is too much, takes what is free. The shards taken.
    private func share(_ wakeUps: WakeUps) async -> [ShardCursor] {
        var taken: [ShardCursor] = []
        do {
            let view = try await cursors.renew(
                shards: held.moving(stallLimit: configuration.stallLimit),
                lease: configuration.leaseDuration)
            progress.looked()
            let plan = LeasePlan(
                cursors: view.cursors, replicas: view.replicas, owner: cursors.owner,
                held: held.all)
            for shard in plan.giveBack {
                held.giveBack(shard)
                wakeUps.signal(of: shard).raise()
            }
            for cursor in plan.take {
                guard
                    let lease = try await cursors.take(
                        cursor, lease: configuration.leaseDuration)
                else { continue }
                held.add(lease.shard)
                taken.append(lease)
            }
        } catch {
            report("A subscriber cannot look after its leases; trying again.", error)
        }
        return taken
    }

    func report(_ message: String, _ error: any Error) {
        guard !Task.isCancelled else { return }
        world.telemetry.logger.warning(
            message, [("subscriber", .text(name)), ("error", .text(error.label))])
    }
}
