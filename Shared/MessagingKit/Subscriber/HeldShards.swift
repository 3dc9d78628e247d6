import Synchronization

/// The shards that this process works on.
final class HeldShards: Sendable {
    private struct Held {
        var isWanted = true
        /// Since when a batch is under way.
        var busySince: ContinuousClock.Instant?
    }

    private let shards = Mutex<[Int: Held]>([:])

    /// All of them, also those that are about to be given back.
    var all: Set<Int> { shards.withLock { Set($0.keys) } }

    func add(_ shard: Int) { shards.withLock { $0[shard] = Held() } }

    func remove(_ shard: Int) { _ = shards.withLock { $0.removeValue(forKey: shard) } }

    /// Asks the worker to stop after its batch.
    func giveBack(_ shard: Int) { shards.withLock { $0[shard]?.isWanted = false } }

    /// Whether the worker should go on.
    func isWanted(_ shard: Int) -> Bool { shards.withLock { $0[shard]?.isWanted ?? false } }

    /// A batch begins or ends.
    func setBusy(_ shard: Int, _ isBusy: Bool) {
        shards.withLock { $0[shard]?.busySince = isBusy ? .now : nil }
    }

    /// Those whose batch does not hang: only their leases are renewed.
    func moving(stallLimit: Duration) -> [Int] {
        let oldest = ContinuousClock.now - stallLimit
        return shards.withLock { shards in
            shards.filter { $0.value.busySince.map { $0 > oldest } ?? true }.keys.sorted()
        }
    }
}
