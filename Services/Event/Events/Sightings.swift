import Kernel
import Synchronization

/// What the log told of persons lately, for all shards of this process.
final class Sightings: Sendable {
    private let memory = Mutex(SightingMemory())

    /// Which of the events that are about to be appended after `head` tell news.
    func news(
        of events: [PendingEvent], in shard: Int, after head: Int
    ) -> SightingMemory.News {
        memory.withLock { $0.news(of: events, in: shard, after: head) }
    }

    /// The batch is in the log, which ends at `head` with it.
    func note(_ news: SightingMemory.News, in shard: Int, head: Int) {
        memory.withLock { $0.note(news, in: shard, head: head) }
    }
}
