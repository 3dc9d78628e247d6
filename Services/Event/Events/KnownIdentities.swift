import FoundationEssentials
import Kernel
import PostgresKit
import Synchronization

/// The identities that this process knows, and how it learns those from before it began.
final class KnownIdentities: Sendable {
    /// How long ago another replica must have been noticed last in a shard before what is not known
    /// of it is read.
    private static let quiet = Duration.seconds(60)
    /// How long after a look for what is not known comes the next. Doubles with each reading of
    /// whole generations: with replicas beside this one, what is read is soon lost again.
    private static let pauses = (first: Duration.seconds(600), longest: Duration.seconds(86_400))

    private let seen: Mutex<SeenIdentities>

    init(_ seen: SeenIdentities = SeenIdentities()) {
        self.seen = Mutex(seen)
    }

    /// What to ask before identities are appended to a shard.
    func question(_ identities: [UUID], in shard: Int) -> SeenIdentities.Question {
        seen.withLock { $0.question(identities, in: shard) }
    }

    /// A batch was committed; see `SeenIdentities`.
    func note(
        _ identities: [UUID], in shard: Int, before: SeenIdentities.Row,
        after: SeenIdentities.Row, present: Int
    ) {
        seen.withLock {
            $0.note(
                identities, in: shard, before: before, after: after, present: present, at: .now)
        }
    }

    /// Nothing is known of a shard any more.
    func forget(_ shard: Int) { seen.withLock { $0.forget(shard) } }

    /// Reads what is not known until the task is cancelled. A reading that fails is tried again.
    func run(_ store: LogStore, logger: Logger) async {
        var (quiet, pause) = (Duration.zero, Self.pauses.first)
        while !Task.isCancelled {
            do {
                if try await learn(store, since: .now - quiet), quiet > .zero {
                    pause = min(pause * 2, Self.pauses.longest)
                }
            } catch is CancellationError {
                return
            } catch {
                logger.warning(
                    "Ids of events could not be read; until they are, the database is asked.",
                    [("error", "\(error)")])
            }
            try? await Task.sleep(for: pause)
            quiet = Self.quiet
        }
    }

    /// Reads the generations that shards lack in which nobody else was noticed since `time`.
    /// Returns whether there were any.
    @discardableResult
    func learn(_ store: LogStore, since time: ContinuousClock.Instant) async throws -> Bool {
        let rows = try await store.rows()
        let gaps = seen.withLock { seen in
            seen.find(rows, at: time)
            return seen.gaps(rows, since: time)
        }
        for gap in gaps {
            try await store.forEachIdentity(of: gap.generation) { identities in
                seen.withLock { $0.fill(identities, of: gap.generation) }
            }
            seen.withLock { $0.close(gap) }
        }
        return !gaps.isEmpty
    }
}
