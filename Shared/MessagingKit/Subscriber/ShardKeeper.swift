package import Contracts
import Kernel
import PostgresKit
package import RedisKit

/// Keeps this replica's share of a subscriber's shards, and has each worked on while its lease
/// holds.
package struct ShardKeeper: Sendable {
    /// What the work tells and is told.
    package struct Listener: Sendable {
        /// Something did not work and is tried again.
        let report: @Sendable (String, any Error) -> Void
        /// The leases were looked at.
        let onLook: @Sendable () -> Void
        /// The log told how far each shard goes.
        let onHeads: @Sendable ([Int]) -> Void

        /// `onHeads` is not called while Redis is away.
        package init(
            report: @escaping @Sendable (String, any Error) -> Void,
            onLook: @escaping @Sendable () -> Void = {},
            onHeads: @escaping @Sendable ([Int]) -> Void = { _ in }
        ) {
            self.report = report
            self.onLook = onLook
            self.onHeads = onHeads
        }
    }

    /// The shards that this process works on.
    package let held = HeldShards()

    private let log: any LogPort
    private let redis: RedisClient?
    private let wanted: Wanted
    private let cursors: CursorStore
    private let configuration: SubscriberConfiguration

    /// A keeper of the subscriber whose cursors these are; `run` does the work.
    ///
    /// - Parameters:
    ///   - wanted: what wakes a worker.
    ///   - redis: wakes workers at once; without it, they poll.
    package init(
        log: any LogPort, redis: RedisClient?, wanted: Wanted, cursors: CursorStore,
        configuration: SubscriberConfiguration
    ) {
        self.log = log
        self.redis = redis
        self.wanted = wanted
        self.cursors = cursors
        self.configuration = configuration
    }

    /// Works until the task is cancelled, then gives the shards back. Never throws.
    ///
    /// `work` has a shard from its lease on; it returns when the lease is lost or no longer wanted
    /// (`held`), and when the task is cancelled.
    package func run(
        _ listener: Listener,
        _ work: @escaping @Sendable (ShardCursor, ShardPace) async -> Void
    ) async {
        guard let shards = await prepare(listener) else { return }
        let wakeUps = WakeUps(
            redis: redis, wanted: wanted, log: log, shards: shards,
            pollInterval: configuration.pollInterval,
            gatherInterval: configuration.gatherInterval,
            loadGatherInterval: configuration.loadGatherInterval)
        await withDiscardingTaskGroup { group in
            group.addTask { await wakeUps.run(onHeads: listener.onHeads) }
            // A worker that ended raises it, so that its shard is looked at again at once.
            let ended = WakeSignal()
            while !Task.isCancelled {
                let seen = ended.raises
                for lease in await share(wakeUps, listener) {
                    group.addTask {
                        await work(lease, wakeUps.pace(of: lease.shard))
                        held.remove(lease.shard)
                        ended.raise()
                    }
                }
                await ended.wait(past: seen, within: configuration.renewInterval)
            }
        }
        // Its own task: this one is cancelled, and the farewell must be said all the same.
        await Task { [cursors] in
            try? await withPostgresDeadline(.now + .seconds(2)) { try await cursors.leave() }
        }.value
    }

    /// Learns the number of shards and makes their cursors; nil when cancelled meanwhile.
    private func prepare(_ listener: Listener) async -> Int? {
        var backoff = Backoff()
        while !Task.isCancelled {
            do {
                let shards = try await log.shardCount()
                try await cursors.prepare(shards: shards)
                return shards
            } catch {
                listener.report("A subscriber cannot begin; trying again.", error)
                try? await Task.sleep(for: backoff.fail(least: error.retryAfter))
            }
        }
        return nil
    }

    /// Renews leases, gives back what is too much, takes what is free. The shards taken.
    private func share(_ wakeUps: WakeUps, _ listener: Listener) async -> [ShardCursor] {
        var taken: [ShardCursor] = []
        do {
            let view = try await cursors.renew(
                shards: held.moving(stallLimit: configuration.stallLimit),
                lease: configuration.leaseDuration)
            listener.onLook()
            let plan = LeasePlan(
                cursors: view.cursors, replicas: view.replicas, owner: cursors.owner,
                held: held.all)
            for shard in plan.giveBack {
                held.giveBack(shard)
                wakeUps.signal(of: shard).demand()
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
            listener.report("A subscriber cannot look after its leases; trying again.", error)
        }
        return taken
    }
}
