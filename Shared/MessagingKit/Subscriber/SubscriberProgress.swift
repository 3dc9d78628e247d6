package import Kernel
import Synchronization

/// What a subscriber of this process has come to: for those who wait for it, and for readiness.
package final class SubscriberProgress: Sendable {
    private struct State {
        var positions: [Int: Int] = [:]
        var contacts: [Int: ContinuousClock.Instant] = [:]
        var lastLook: ContinuousClock.Instant?
        var nudges: [Int: ShardSignal] = [:]
    }

    private let state = Mutex(State())
    /// Raised whenever a cursor moved.
    package let moved = WakeSignal()

    init() {}

    /// How far a shard is known to be, by what this process saw; nil when it saw nothing of it.
    package func position(shard: Int) -> Int? { state.withLock { $0.positions[shard] } }

    /// Whether a worker of this process has the shard: then it is first to know how far it is.
    func isWorking(shard: Int) -> Bool { state.withLock { $0.nudges[shard] != nil } }

    /// Tells the shard's worker, if it is in this process, that somebody waits for `position`.
    func nudge(shard: Int, to position: Int) {
        state.withLock { $0.nudges[shard] }?.urge(position)
    }

    /// The age of the last good contact with the log, of the shard that waits longest; for a
    /// replica that has no shard, of its last look at the leases. Nil before the first.
    package var lastContact: Duration? {
        let oldest = state.withLock { $0.contacts.values.min() ?? $0.lastLook }
        return oldest.map { $0.duration(to: .now) }
    }

    /// The leases were looked at.
    func looked() { state.withLock { $0.lastLook = .now } }

    /// A worker begins: its age counts from now.
    func begin(shard: Int, at position: Int, nudge: ShardSignal) {
        state.withLock { state in
            state.contacts[shard] = .now
            state.nudges[shard] = nudge
        }
        move(shard: shard, to: position)
    }

    /// The log answered for this shard.
    func contact(shard: Int) { state.withLock { $0.contacts[shard] = .now } }

    /// The log told how far each shard goes: a shard that is there is in contact, too.
    func contact(heads: [Int]) {
        state.withLock { state in
            for (shard, head) in heads.enumerated()
            where state.contacts[shard] != nil && (state.positions[shard] ?? -1) >= head {
                state.contacts[shard] = .now
            }
        }
    }

    /// Everything up to here has taken effect and is committed.
    func move(shard: Int, to position: Int) {
        state.withLock { $0.positions[shard] = max($0.positions[shard] ?? 0, position) }
        moved.raise()
    }

    /// The worker ended.
    func end(shard: Int) {
        state.withLock { state in
            state.contacts[shard] = nil
            state.nudges[shard] = nil
        }
    }
}
