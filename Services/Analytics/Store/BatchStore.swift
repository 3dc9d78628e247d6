import Contracts
import FoundationEssentials
import Kernel
import MessagingKit
import PostgresKit

/// A stretch of a shard that goes to ClickHouse as one: cut once, never again.
struct StreamBatch: Sendable, Hashable, RowDecodable {
    let batchID: UUID
    let shard: Int
    let firstPosition: Int
    let lastPosition: Int
    let rowCount: Int
    let bodyHash: [UInt8]

    init(
        batchID: UUID, shard: Int, firstPosition: Int, lastPosition: Int, rowCount: Int,
        bodyHash: [UInt8]
    ) {
        self.batchID = batchID
        self.shard = shard
        self.firstPosition = firstPosition
        self.lastPosition = lastPosition
        self.rowCount = rowCount
        self.bodyHash = bodyHash
    }

    init(row: Row) throws(PostgresError) {
        batchID = try row.get("batch_id")
        shard = Int(try row.get("shard", as: Int32.self))
        firstPosition = try row.get("first_position")
        lastPosition = try row.get("last_position")
        rowCount = Int(try row.get("row_count", as: Int32.self))
        bodyHash = try row.get("body_hash")
    }
}

/// The batches, and with them the cursor: both move in one transaction, fenced by the lease.
struct BatchStore: Sendable {
    let postgres: PostgresClient
    let cursors: CursorStore
    let subscriber: String
    let world: World
    var hours: DirtyHourStore { DirtyHourStore(postgres: postgres) }

    /// The shard's batch that is on its way; nil when there is none.
    func open(shard: Int) async throws(PostgresError) -> StreamBatch? {
        try await postgres.queryOne(
            """
            select batch_id, shard, first_position, last_position, row_count, body_hash
            from stream_batch where shard = \(Int32(shard)) and done_at is null
            """, as: StreamBatch.self)
    }

    /// Writes a batch down before anything of it is sent. False when the lease is another's, or
    /// the cursor no longer stands before the batch.
    func cut(_ batch: StreamBatch, epoch: Int) async throws -> Bool {
        let isCut = try await postgres.withTransaction { transaction in
            let rows = try await transaction.execute(
                """
                insert into stream_batch
                    (batch_id, shard, first_position, last_position, row_count, body_hash, cut_at)
                select \(batch.batchID)::uuid, shard, \(batch.firstPosition)::bigint,
                    \(batch.lastPosition)::bigint, \(Int32(batch.rowCount))::integer,
                    \(batch.bodyHash)::bytea, \(world.clock.now())::timestamptz
                from messaging_cursor
                where subscriber = \(subscriber) and shard = \(Int32(batch.shard))
                    and epoch = \(epoch) and position = \(batch.firstPosition - 1)
                for no key update
                """)
            world.faults.reach(AnalyticsCrashPoint.cutBeforeCommit)
            return rows == 1
        }
        if isCut { world.faults.reach(AnalyticsCrashPoint.cutAfterCommit) }
        return isCut
    }

    /// Marks a batch that ClickHouse holds and moves the cursor behind it. Throws `Fenced` when the
    /// shard is another's, who will see to it.
    ///
    /// - Parameter dirty: hours that are counted again from now on: nothing of the batch is on its
    ///   way any more.
    func finish(
        _ batch: StreamBatch, lostRows: Int, dirty: Set<ClientHour>, epoch: Int
    ) async throws {
        try await postgres.withTransaction { transaction in
            try await hours.mark(dirty, on: transaction)
            try await transaction.execute(
                """
                update stream_batch
                set done_at = \(world.clock.now()), lost_rows = \(Int32(lostRows))
                where batch_id = \(batch.batchID) and done_at is null
                """)
            let isMoved = try await cursors.advance(
                shard: batch.shard, from: batch.firstPosition - 1, to: batch.lastPosition,
                epoch: epoch, on: transaction)
            guard isMoved else { throw Fenced() }
            world.faults.reach(AnalyticsCrashPoint.doneBeforeCommit)
        }
    }

    /// Writes down an event that cannot be read, as it came, and moves the cursor past it.
    func putAside(_ page: UnreadablePage, after position: Int, epoch: Int) async throws {
        try await postgres.withTransaction { transaction in
            try await cursors.bury(page, in: transaction)
            let isMoved = try await cursors.advance(
                shard: page.position.shard, from: position, to: page.next, epoch: epoch,
                on: transaction)
            guard isMoved else { throw Fenced() }
        }
    }

    /// Deletes batches that were done before `time`, at most `limit`. How many went.
    func purge(before time: Timestamp, limit: Int) async throws(PostgresError) -> Int {
        try await postgres.execute(
            """
            delete from stream_batch where batch_id in (
                select batch_id from stream_batch where done_at < \(time)
                order by done_at limit \(limit))
            """)
    }
}

/// Another replica has the shard by now.
struct Fenced: Error {}
