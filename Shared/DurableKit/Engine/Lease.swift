import Kernel
import Synchronization

/// This process's right to run things, as far as it can know by its own monotonic clock.
///
/// The database decides (its clock, its worker row); this side only stops early enough.
final class Lease: Sendable {
    private struct State {
        var epoch: Int64?
        var previous: Int64?
        var validUntil: ContinuousClock.Instant?
        var halted = false
    }

    private let state = Mutex(State())

    /// The epoch to claim and write under; nil while there is none.
    var epoch: Int64? {
        state.withLock { state in
            guard !state.halted, let until = state.validUntil, until > .now else { return nil }
            return state.epoch
        }
    }

    /// Whether work that began under this epoch may still write.
    func holds(_ epoch: Int64) -> Bool { self.epoch == epoch }

    /// Throws when it may not.
    func check(_ epoch: Int64) throws(OwnershipLost) {
        guard holds(epoch) else { throw OwnershipLost() }
    }

    /// Begins a new epoch.
    func begin(epoch: Int64, validUntil: ContinuousClock.Instant) {
        state.withLock { state in
            state.epoch = epoch
            state.previous = nil
            state.validUntil = validUntil
        }
    }

    /// After a good heartbeat.
    func extend(_ epoch: Int64, validUntil: ContinuousClock.Instant) {
        state.withLock { state in
            if state.epoch == epoch { state.validUntil = validUntil }
        }
    }

    /// Ends the epoch; false when there was none.
    func end() -> Bool {
        state.withLock { state in
            guard let epoch = state.epoch else { return false }
            state.previous = epoch
            state.epoch = nil
            return true
        }
    }

    /// The epoch that ended last; its runs are to be handed back.
    var previous: Int64? { state.withLock { $0.previous } }

    /// Whether the time ran out on an epoch that nobody ended yet.
    var hasRunOut: Bool {
        state.withLock { state in
            guard state.epoch != nil, let until = state.validUntil else { return false }
            return until <= .now
        }
    }

    /// For ever: the process plays dead.
    func halt() { state.withLock { $0.halted = true } }

    var isHalted: Bool { state.withLock { $0.halted } }
}
