import Contracts
import Kernel
import Synchronization

/// Tells the one reader of a shard when to look at the log.
///
/// A hint says how far the log goes, so a reader that is there already sleeps on; a demand has it
/// look whatever it knows.
final class ShardSignal: Sendable {
    /// So many events that the reader does not want wake it, to pass over them.
    private static let passedOverTogether = 2000

    private struct State {
        /// The furthest position that somebody spoke of, unless it was looked for in vain.
        var hinted = 0
        var demands: UInt64 = 0
        /// The types that are listened to; nil for all.
        var types: Set<String>?
        /// How often somebody said that he waits for what is beyond.
        var urgings: UInt64 = 0
        /// The position beyond which the sleeping reader wants to hear of; nil while it is awake.
        var awaited: Int?
    }

    private let state = Mutex(State())
    private let changed = WakeSignal()

    /// What the reader has heard so far; taken before it looks.
    struct Heard: Sendable, Hashable {
        fileprivate let hinted: Int
        fileprivate let demands: UInt64
        fileprivate let urgings: UInt64
    }

    var heard: Heard {
        state.withLock {
            Heard(hinted: $0.hinted, demands: $0.demands, urgings: $0.urgings)
        }
    }

    /// Listens to announcements of these types only; nil for all.
    func listen(to types: Set<String>?) { state.withLock { $0.types = types } }

    /// A message on the channel says that the log goes at least to `position`. Of what is not
    /// listened to much has to come together: a reader far behind is not served from memory.
    func announce(_ position: Int, on channel: String) {
        let (types, awaited) = state.withLock { ($0.types, $0.awaited) }
        if let types, let type = WakeUpChannel.type(in: channel), !types.contains(type) {
            guard let awaited, position - awaited > Self.passedOverTogether else { return }
        }
        hint(position)
    }

    /// The log goes at least to `position`.
    func hint(_ position: Int) {
        let isAwaited = state.withLock { state in
            guard position > state.hinted else { return false }
            state.hinted = position
            return state.awaited.map { position > $0 } ?? false
        }
        if isAwaited { changed.raise() }
    }

    /// Look, whatever is known.
    func demand() {
        state.withLock { $0.demands += 1 }
        changed.raise()
    }

    /// Somebody waits until the reader has passed `position`, to which the log goes at least.
    func urge(_ position: Int) {
        state.withLock { state in
            state.hinted = max(state.hinted, position)
            state.urgings += 1
        }
        changed.raise()
    }

    /// The reader looked and found nothing: what it had heard before leads nowhere. A hint is not
    /// to be trusted, or it could keep the reader busy for ever.
    func disappoint(_ heard: Heard) {
        state.withLock { state in
            if state.hinted == heard.hinted { state.hinted = 0 }
        }
    }

    /// Returns when there is something beyond `position`, when a demand came after `heard`, when
    /// `limit` is over, or when the task is cancelled.
    func wait(beyond position: Int, past heard: Heard, within limit: Duration) async {
        let deadline = ContinuousClock.now + limit
        defer { state.withLock { $0.awaited = nil } }
        while !Task.isCancelled {
            let seen = changed.raises
            let isDue = state.withLock { state in
                state.awaited = position
                return state.hinted > position || state.demands != heard.demands
            }
            let rest = ContinuousClock.now.duration(to: deadline)
            guard !isDue, rest > .zero else { return }
            await changed.wait(past: seen, within: rest)
        }
    }

    /// Returns when somebody waits or demands since `heard`, when `limit` is over, or when the task
    /// is cancelled.
    func waitUntilUrgent(past heard: Heard, within limit: Duration) async {
        let deadline = ContinuousClock.now + limit
        while !Task.isCancelled {
            let seen = changed.raises
            let isUrgent = state.withLock {
                $0.urgings != heard.urgings || $0.demands != heard.demands
            }
            let rest = ContinuousClock.now.duration(to: deadline)
            guard !isUrgent, rest > .zero else { return }
            await changed.wait(past: seen, within: rest)
        }
    }
}
