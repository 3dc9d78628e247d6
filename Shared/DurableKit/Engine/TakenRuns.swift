import Kernel
import Synchronization

/// Runs that this process started as its own, until it is known whether their transactions have
/// committed.
///
/// Each is given out once, so it is launched once.
final class TakenRuns: Sendable {
    /// After so long no transaction can still commit: each is cut off when it idles for seconds.
    private static let memory = Duration.seconds(600)
    /// How often the database is asked about a run whose transaction ended in the dark.
    private static let pace = Duration.seconds(2)

    private struct Entry {
        let run: ClaimedRun
        let since: ContinuousClock.Instant
        var askAgain: ContinuousClock.Instant
    }

    private let entries = Mutex<[RunID: Entry]>([:])

    var count: Int { entries.withLock { $0.count } }
    var runs: [RunID] { entries.withLock { Array($0.keys) } }

    func add(_ runs: [ClaimedRun]) {
        let now = ContinuousClock.now
        entries.withLock { entries in
            for run in runs {
                entries[run.runID] = Entry(run: run, since: now, askAgain: now + Self.pace)
            }
        }
    }

    /// Takes these runs out; those that are taken out already are missing.
    func take(_ runs: some Sequence<RunID>) -> [ClaimedRun] {
        entries.withLock { entries in runs.compactMap { entries.removeValue(forKey: $0)?.run } }
    }

    /// Those that nobody told anything of for a while, to be looked up.
    func overdue() -> [Ownership] {
        let now = ContinuousClock.now
        return entries.withLock { entries in
            var overdue: [Ownership] = []
            for (id, entry) in entries where entry.askAgain <= now {
                if now - entry.since > Self.memory {
                    entries[id] = nil
                } else {
                    entries[id]?.askAgain = now + Self.pace
                    overdue.append(entry.run.ownership)
                }
            }
            return overdue
        }
    }
}
