import FoundationEssentials
import Kernel

/// Which identities the log has seen, where this process knows all of them. Pure.
///
/// Asking the database whether ids are new costs about as much as writing them, and nearly all are
/// new. So a filter of each generation's ids answers for those of which it says no, in shards
/// whose every append went through here since all their ids were in it. The row of the shard, read
/// under its lock, shows whether that still holds; if not, the database is asked for all.
struct SeenIdentities: Sendable {
    /// What the row of a shard says.
    struct Row: Sendable, Hashable {
        let head: Int
        /// The generations that hold ids of the shard.
        let generations: [Int]
    }

    /// What has to be asked of a batch.
    struct Question: Sendable {
        /// The identities that may have been seen.
        let doubtful: [UUID]
        /// Only if the row says this, all others are new; nil when all are doubtful.
        let premise: Row?

        /// Whether the answer is the answer for the whole batch.
        func isSettled(by row: Row) -> Bool { premise == nil || premise == row }
    }

    private struct Shard {
        var row: Row
        /// The generations whose filters have all ids of the shard.
        var complete: Set<Int>
        /// When this process began to know all that is appended.
        let since: ContinuousClock.Instant
        /// Tells one such time from the next.
        let life: Int
    }

    /// About how much memory filters may take, in bytes. Beyond it they grow no more, and say maybe
    /// the more often.
    private let maximumBytes: Int
    private let newFilter: IdentityFilter
    private var shards: [Int: Shard] = [:]
    private var filters: [Int: IdentityFilter] = [:]
    private var lives = 0

    init(maximumBytes: Int = 32 << 20, newFilter: IdentityFilter = IdentityFilter()) {
        self.maximumBytes = maximumBytes
        self.newFilter = newFilter
    }

    /// What to ask before identities are appended to a shard.
    func question(_ identities: [UUID], in shard: Int) -> Question {
        guard let known = shards[shard], known.complete.isSuperset(of: known.row.generations)
        else { return Question(doubtful: identities, premise: nil) }
        let filters = known.row.generations.compactMap { self.filters[$0] }
        guard filters.count == known.row.generations.count else {
            return Question(doubtful: identities, premise: nil)
        }
        return Question(
            doubtful: identities.filter { identity in
                filters.contains { $0.mayContain(identity) }
            }, premise: known.row)
    }

    /// A batch was committed.
    ///
    /// - Parameters:
    ///   - identities: those that were new; they are in the present generation now.
    ///   - before: what the row said.
    ///   - after: what it says now.
    mutating func note(
        _ identities: [UUID], in shard: Int, before: Row, after: Row, present: Int,
        at now: ContinuousClock.Instant
    ) {
        if shards[shard]?.row != before { begin(shard, before, at: now) }
        shards[shard]?.row = after
        // Nothing of the shard was in it before this batch.
        if !before.generations.contains(present) { shards[shard]?.complete.insert(present) }
        for identity in identities { insert(identity, present) }
        let oldest = present - Generation.days
        if filters.keys.contains(where: { $0 < oldest }) {
            filters = filters.filter { $0.key >= oldest }
        }
    }

    /// Nothing is known of a shard any more.
    mutating func forget(_ shard: Int) { shards[shard] = nil }

    private mutating func begin(_ shard: Int, _ row: Row, at now: ContinuousClock.Instant) {
        lives += 1
        shards[shard] = Shard(row: row, complete: [], since: now, life: lives)
    }

    private mutating func insert(_ identity: UUID, _ generation: Int) {
        let more = filters[generation, default: newFilter].nextByteCount
        let mayGrow =
            more == 0 || filters.values.reduce(more, { $0 + $1.byteCount }) <= maximumBytes
        filters[generation, default: newFilter].insert(identity, mayGrow: mayGrow)
    }
}

// MARK: - What was there before this process

extension SeenIdentities {
    /// A generation that is to be read.
    struct Gap: Sendable, Hashable {
        let generation: Int
        /// The lives of the shards that know it whole afterwards, if they still last.
        fileprivate let lives: Set<Int>
    }

    /// What the rows of shards said that have not been appended to yet.
    mutating func find(_ rows: [Int: Row], at now: ContinuousClock.Instant) {
        for (shard, row) in rows where shards[shard] == nil { begin(shard, row, at: now) }
    }

    /// The generations that shards lack which this process has had to itself since `time`.
    ///
    /// - Parameter rows: what the rows say now; where one says something else than it should,
    ///   somebody else writes.
    func gaps(_ rows: [Int: Row], since time: ContinuousClock.Instant) -> [Gap] {
        var lives: [Int: Set<Int>] = [:]
        for (number, shard) in shards where shard.since <= time && shard.row == rows[number] {
            for generation in shard.row.generations where !shard.complete.contains(generation) {
                lives[generation, default: []].insert(shard.life)
            }
        }
        return lives.map { Gap(generation: $0, lives: $1) }.sorted { $0.generation > $1.generation }
    }

    /// Takes some of a generation's identities, also such as are known.
    mutating func fill(_ identities: [UUID], of generation: Int) {
        for identity in identities
        where filters[generation]?.mayContain(identity) != true {
            insert(identity, generation)
        }
    }

    /// All identities that were in a generation after its gap was found have been taken.
    mutating func close(_ gap: Gap) {
        for shard in shards.keys {
            guard let life = shards[shard]?.life, gap.lives.contains(life) else { continue }
            shards[shard]?.complete.insert(gap.generation)
        }
    }
}
