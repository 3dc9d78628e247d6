import Synchronization

/// The shards that this process works on.
package final class HeldShards: Sendable {
    private struct Held {
        var isWanted = true
        /// Since when a batch is under way.
        var busySince: ContinuousClock.Instant?
    }

    private let shards = Mutex<[Int: Held]>([:])

    package init() {}

    /// All of them, also those that are about to be given back.
    package var all: Set<Int> { shards.withLock { Set($0.keys) } }

    /// Work on a shard begins.
    package func add(_ shard: Int) { shards.withLock { $0[shard] = Held() } }

    /// Work on a shard ended.
    package func remove(_ shard: Int) { _ = shards.withLock { $0.removeValue(forKey: shard) } }

    /// Asks the worker to stop after its batch.
    package func giveBack(_ shard: Int) { shards.withLock { $0[shard]?.isWanted = false } }

    /// Whether the worker should go on.
    package func isWanted(_ shard: Int) -> Bool { shards.withLock { $0[shard]?.isWanted ?? false } }

    /// A batch begins or ends.
    package func setBusy(_ shard: Int, _ isBusy: Bool) {
        shards.withLock { $0[shard]?.busySince = isBusy ? .now : nil }
    }

    /// Those whose batch does not hang: only their leases are renewed.
    package func moving(stallLimit: Duration) -> [Int] {
        let oldest = ContinuousClock.now - stallLimit
        return shards.withLock { shards in
            shards.filter { $0.value.busySince.map { $0 > oldest } ?? true }.keys.sorted()
        }
    }
}
