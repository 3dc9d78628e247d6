import Synchronization

/// When each shard was last read.
final class TailContacts: Sendable {
    private let instants = Mutex<[ContinuousClock.Instant]>([])

    /// Of the shard that waits longest; nil before the beginning.
    var age: Duration? {
        instants.withLock { $0.min() }.map { $0.duration(to: .now) }
    }

    func begin(shards: Int) {
        instants.withLock { $0 = Array(repeating: .now, count: shards) }
    }

    func contact(_ shard: Int) {
        instants.withLock { $0[shard] = .now }
    }
}
