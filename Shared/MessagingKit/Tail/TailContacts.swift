import Synchronization

/// When each shard was last known to be followed to its end, and where that was.
final class TailContacts: Sendable {
    private struct Contact {
        var instant: ContinuousClock.Instant
        var position: Int
    }

    private let contacts = Mutex<[Contact]>([])

    /// Of the shard that waits longest; nil before the beginning.
    var age: Duration? {
        contacts.withLock { $0.map(\.instant).min() }.map { $0.duration(to: .now) }
    }

    func begin(heads: [Int]) {
        contacts.withLock { $0 = heads.map { Contact(instant: .now, position: $0) } }
    }

    /// The log answered for a shard, up to `position`.
    func contact(_ shard: Int, at position: Int) {
        contacts.withLock { contacts in
            contacts[shard].instant = .now
            contacts[shard].position = max(contacts[shard].position, position)
        }
    }

    /// The log told how far each shard goes: who is there is in contact, too.
    func contact(heads: [Int]) {
        contacts.withLock { contacts in
            for (shard, head) in zip(contacts.indices, heads)
            where contacts[shard].position >= head {
                contacts[shard].instant = .now
            }
        }
    }
}
