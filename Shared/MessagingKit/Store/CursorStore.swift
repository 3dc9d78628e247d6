import Contracts
package import FoundationEssentials
import HTTPKit
import Kernel
package import PostgresKit

/// What a replica sees when it looks at its subscriber's shards.
package struct CursorView: Sendable {
    package let cursors: [ShardCursor]
    /// How many replicas are alive, this one included.
    package let replicas: Int
}

/// A subscriber's cursors and leases. Leases are compared on the database's clock only.
package struct CursorStore: Sendable {
    let postgres: PostgresClient
    let subscriber: String
    /// This replica.
    package let owner: UUID

    /// The cursors of one subscriber, as the replica `owner` sees them.
    package init(postgres: PostgresClient, subscriber: String, owner: UUID) {
        self.postgres = postgres
        self.subscriber = subscriber
        self.owner = owner
    }

    /// Makes sure that each shard has a cursor; a new one stands before the first event.
    package func prepare(shards: Int) async throws(PostgresError) {
        try await postgres.execute(
            """
            insert into messaging_cursor (subscriber, shard)
            select \(subscriber)::text, shard
            from generate_series(0, \(Int32(shards) - 1)::integer) as shard
            on conflict (subscriber, shard) do nothing
            """)
    }

    /// Says that this replica is alive, renews the leases of the shards it works on, and looks
    /// around.
    package func renew(shards: [Int], lease: Duration) async throws(PostgresError) -> CursorView {
        let expiry: SQL = "now() + \(lease) * interval '1 microsecond'"
        let results = try await postgres.pipeline([
            """
            insert into messaging_replica (subscriber, owner, expires_at)
            values (\(subscriber), \(owner), \(expiry))
            on conflict (subscriber, owner) do update set expires_at = excluded.expires_at
            """,
            """
            update messaging_cursor set lease_expires_at = \(expiry)
            where subscriber = \(subscriber) and owner = \(owner)
                and shard = any(\(shards.map { Int32($0) })::integer[])
            """,
            """
            select count(*) as replicas from messaging_replica
            where subscriber = \(subscriber) and expires_at > now()
            """,
            """
            select shard, position, epoch, owner,
                coalesce(lease_expires_at > now(), false) as is_leased
            from messaging_cursor where subscriber = \(subscriber) order by shard
            """,
        ])
        var cursors: [ShardCursor] = []
        for row in results[3] { cursors.append(try ShardCursor(row: row)) }
        return CursorView(cursors: cursors, replicas: try results[2][0].get("replicas"))
    }

    /// Takes a shard whose lease ended: the epoch grows, so whoever had it can move it no more. Nil
    /// when another was faster.
    package func take(
        _ seen: ShardCursor, lease: Duration
    ) async throws(PostgresError) -> ShardCursor? {
        try await postgres.queryOne(
            """
            update messaging_cursor
            set owner = \(owner), epoch = epoch + 1,
                lease_expires_at = now() + \(lease) * interval '1 microsecond'
            where subscriber = \(subscriber) and shard = \(Int32(seen.shard))
                and epoch = \(seen.epoch)
                and (owner is null or owner = \(owner) or lease_expires_at <= now())
            returning shard, position, epoch, owner, true as is_leased
            """)
    }

    /// Where a shard stands now.
    package func read(shard: Int) async throws(PostgresError) -> ShardCursor? {
        try await postgres.queryOne(
            """
            select shard, position, epoch, owner,
                coalesce(lease_expires_at > now(), false) as is_leased
            from messaging_cursor
            where subscriber = \(subscriber) and shard = \(Int32(shard))
            """)
    }

    /// Where a worker stands after a failure: a commit may have succeeded although its answer was
    /// lost. Tried until the database answers; nil when the lease is over or the task is cancelled.
    package func resume(_ lease: ShardCursor) async -> Int? {
        var backoff = Backoff()
        while !Task.isCancelled {
            do {
                guard let cursor = try await read(shard: lease.shard),
                    cursor.epoch == lease.epoch, cursor.owner == lease.owner
                else { return nil }
                return cursor.position
            } catch {
                try? await Task.sleep(for: backoff.fail())
            }
        }
        return nil
    }

    /// Moves the cursor if it still stands at `old` and the epoch is still ours; false otherwise.
    package func advance(
        shard: Int, from old: Int, to new: Int, epoch: Int, on executor: any PostgresExecutor
    ) async throws(PostgresError) -> Bool {
        try await move(shard: shard, from: old, to: new, epoch: epoch, on: executor)
    }

    /// The same for what nobody here wants: without waiting for the disk, since it is only passed
    /// over again when the server loses it.
    func pass(
        shard: Int, from old: Int, to new: Int, epoch: Int
    ) async throws(PostgresError) -> Bool {
        try await move(
            shard: shard, from: old, to: new, epoch: epoch, on: postgres,
            setting: "from (select set_config('synchronous_commit', 'off', true)) setting")
    }

    private func move(
        shard: Int, from old: Int, to new: Int, epoch: Int, on executor: any PostgresExecutor,
        setting: SQL = ""
    ) async throws(PostgresError) -> Bool {
        try await executor.execute(
            """
            update messaging_cursor set position = \(new) \(setting)
            where subscriber = \(subscriber) and shard = \(Int32(shard))
                and position = \(old) and epoch = \(epoch)
            """) == 1
    }

    /// Records events that were passed over.
    func bury(
        _ events: [(event: LogEvent, reason: String)], in transaction: Transaction
    ) async throws {
        for (event, reason) in events {
            try await transaction.execute(
                """
                insert into messaging_dead_letter (direction, subscriber, shard, position,
                    client_id, message_id, type, reason, body)
                values ('in', \(subscriber), \(Int32(event.position.shard)),
                    \(event.position.position), \(event.clientID), \(event.eventID),
                    \(event.type), \(String(reason.prefix(500))), \(JSONCoding.encode(event)))
                on conflict (subscriber, shard, position) do nothing
                """)
        }
    }

    /// Records an event that could not be read, with the page that had it alone. Whose it was and
    /// its id are in those bytes, if anywhere.
    package func bury(
        _ page: UnreadablePage, in transaction: Transaction
    ) async throws(PostgresError) {
        try await transaction.execute(
            """
            insert into messaging_dead_letter (direction, subscriber, shard, position,
                client_id, message_id, reason, body)
            values ('in', \(subscriber), \(Int32(page.position.shard)),
                \(page.position.position), '00000000-0000-0000-0000-000000000000', 'unreadable',
                \(String(page.reason.prefix(500))), \(page.body))
            on conflict (subscriber, shard, position) do nothing
            """)
    }

    /// Gives a shard back before its lease ends.
    package func release(shard: Int, epoch: Int) async throws(PostgresError) {
        try await postgres.execute(
            """
            update messaging_cursor set owner = null, lease_expires_at = null
            where subscriber = \(subscriber) and shard = \(Int32(shard))
                and owner = \(owner) and epoch = \(epoch)
            """)
    }

    /// Gives everything back: this replica ends. Forgets replicas that died, too.
    package func leave() async throws(PostgresError) {
        _ = try await postgres.pipeline([
            """
            update messaging_cursor set owner = null, lease_expires_at = null
            where subscriber = \(subscriber) and owner = \(owner)
            """,
            """
            delete from messaging_replica where subscriber = \(subscriber)
                and (owner = \(owner) or expires_at < now() - interval '1 minute')
            """,
        ])
    }
}

extension ShardCursor: RowDecodable {
    package init(row: Row) throws(PostgresError) {
        self.init(
            shard: Int(try row.get("shard", as: Int32.self)), position: try row.get("position"),
            epoch: try row.get("epoch"), owner: try row.get("owner"),
            isLeased: try row.get("is_leased"))
    }
}

/// Reads a cursor for those who wait for it.
struct CursorReader: Sendable {
    let postgres: PostgresClient
    let subscriber: String

    /// Everything up to here has taken effect; nil before the subscriber first ran.
    func position(shard: Int) async throws(PostgresError) -> Int? {
        guard
            let row = try await postgres.queryOne(
                """
                select position from messaging_cursor
                where subscriber = \(subscriber) and shard = \(Int32(clamping: shard))
                """)
        else { return nil }
        return try row.get("position")
    }
}
