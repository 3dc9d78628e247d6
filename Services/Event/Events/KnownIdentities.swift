import FoundationEssentials
import Kernel
import PostgresKit
import Synchronization

/// The identities that this process knows, and how it learns those from before it began.
final class KnownIdentities: Sendable {
    /// How long a shard must have been ours alone before what came before is read again: with
    /// replicas beside this one that would never end.
    private static let quiet = Duration.seconds(60)
    /// The least time between two readings of whole generations.
    private static let pause = Duration.seconds(600)

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

    /// Reads what is not known until the task is cancelled. A reading that fails is tried again.
    func run(_ store: LogStore, logger: Logger) async {
        var quiet = Duration.zero
        while !Task.isCancelled {
            do {
                try await learn(store, since: .now - quiet)
            } catch is CancellationError {
                return
            } catch {
                logger.warning(
                    "Ids of events could not be read; until they are, the database is asked.",
                    [("error", "\(error)")])
            }
            try? await Task.sleep(for: Self.pause)
            quiet = Self.quiet
        }
    }

    /// Reads the generations that shards lack which have been ours alone since `time`.
    func learn(_ store: LogStore, since time: ContinuousClock.Instant) async throws {
        let rows = try await store.rows()
        let gaps = seen.withLock { seen in
            seen.find(rows, at: time)
            return seen.gaps(since: time)
        }
        for gap in gaps {
            try await store.forEachIdentity(of: gap.generation) { identities in
                seen.withLock { $0.fill(identities, of: gap.generation) }
            }
            seen.withLock { $0.close(gap) }
        }
    }
}
