import Contracts
import Kernel

/// A person whom an event shows, and when.
struct PersonSighting: Sendable, Hashable {
    let person: ParticipantID
    let seenAt: Timestamp
}

/// Which sightings the log told of lately. Pure.
///
/// Who only keeps when somebody was seen reads one event of many by it, so nothing may be forgotten
/// that a reader needs: a shard counts as known only while every event of it went through here,
/// which its head shows. What another replica wrote, or what may or may not have been committed,
/// begins it anew.
struct SightingMemory: Sendable {
    /// When somebody was seen, first and last, as far as the log told of it.
    struct Span: Sendable, Hashable {
        private(set) var first: Timestamp
        private(set) var last: Timestamp

        init(_ time: Timestamp) {
            first = time
            last = time
        }

        /// Whether a reader of the span learns nothing that matters from this time.
        func covers(_ time: Timestamp) -> Bool {
            time >= first && time - last < Sighting.tolerance
        }

        mutating func widen(to time: Timestamp) {
            first = min(first, time)
            last = max(last, time)
        }
    }

    /// What a batch tells of sightings.
    struct News: Sendable {
        /// One per event of the batch: its facets, without `sighting` where that is no news.
        let facets: [EventFacets]
        /// What is to be remembered when the batch is in the log.
        let told: [ParticipantID: Span]
    }

    private struct Entry {
        let span: Span
        let life: Int
    }

    private struct Shard {
        var head: Int
        var life: Int
    }

    /// How many persons each of the two halves holds. When the newer one is full, it takes the
    /// place of the older; who is forgotten is told of once more.
    private let capacity: Int
    private var newer: [ParticipantID: Entry] = [:]
    private var older: [ParticipantID: Entry] = [:]
    private var shards: [Int: Shard] = [:]
    private var lives = 0

    init(capacity: Int = 65_536) {
        self.capacity = capacity
    }

    /// Which of the events that are about to be appended after `head` tell news.
    mutating func news(
        of events: [PendingEvent], in shard: Int, after head: Int
    ) -> News {
        if shards[shard]?.head != head { begin(shard, at: head) }
        guard let life = shards[shard]?.life,
            !events.contains(where: { $0.type == ParticipantErased.type })
        else {
            // Readers forget the person: what comes next is new to them.
            shards[shard] = nil
            return News(facets: events.map(\.facets), told: [:])
        }
        var told: [ParticipantID: Span] = [:]
        let facets = events.map { event in
            guard let sighting = event.sighting else { return event.facets }
            let known = told[sighting.person] ?? span(of: sighting.person, life)
            guard var span = known else {
                told[sighting.person] = Span(sighting.seenAt)
                return event.facets
            }
            if span.covers(sighting.seenAt) { return event.facets.subtracting(.sighting) }
            span.widen(to: sighting.seenAt)
            told[sighting.person] = span
            return event.facets
        }
        return News(facets: facets, told: told)
    }

    /// The batch is in the log, which ends at `head` with it.
    mutating func note(_ news: News, in shard: Int, head: Int) {
        guard let life = shards[shard]?.life else { return }
        shards[shard]?.head = head
        for (person, span) in news.told { newer[person] = Entry(span: span, life: life) }
        guard newer.count >= capacity else { return }
        older = newer
        newer = [:]
    }

    private mutating func begin(_ shard: Int, at head: Int) {
        lives += 1
        shards[shard] = Shard(head: head, life: lives)
    }

    private func span(of person: ParticipantID, _ life: Int) -> Span? {
        guard let entry = newer[person] ?? older[person], entry.life == life else { return nil }
        return entry.span
    }
}
