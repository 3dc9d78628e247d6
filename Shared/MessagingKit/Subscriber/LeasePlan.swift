package import FoundationEssentials

/// One shard's cursor, as the database shows it.
package struct ShardCursor: Sendable, Hashable {
    package let shard: Int
    package let position: Int
    package let epoch: Int
    /// Who had it last.
    package let owner: UUID?
    /// Whether the owner's lease still runs, by the database's clock.
    package let isLeased: Bool
}

/// Which shards a replica should take and give back, so that all replicas have about as many.
///
/// A pure decision: everyone sees the same rows and takes no more than its fair share. What two
/// take at once goes to the one whose statement comes first.
package struct LeasePlan: Sendable, Hashable {
    package let take: [ShardCursor]
    package let giveBack: [Int]

    /// - Parameters:
    ///   - replicas: how many are alive, this one included; less than 1 counts as 1.
    ///   - held: the shards that this replica works on.
    package init(cursors: [ShardCursor], replicas: Int, owner: UUID, held: Set<Int>) {
        let replicas = max(1, replicas)
        let fairShare = (cursors.count + replicas - 1) / replicas
        let free =
            cursors
            .filter { !held.contains($0.shard) && (!$0.isLeased || $0.owner == owner) }
            .sorted { $0.shard < $1.shard }
        take = Array(free.prefix(max(0, fairShare - held.count)))
        giveBack = Array(held.sorted().suffix(max(0, held.count - fairShare)))
    }
}
