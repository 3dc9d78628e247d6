import Kernel
import PostgresKit

/// The table `durable_worker`. Every time in it is the database's own.
enum WorkerStore {
    /// A new epoch; an old one of the same process hands its runs back in the same commit.
    static func register(
        name: String, lease: Duration, retiring old: Int64?, on postgres: PostgresClient
    ) async throws -> Int64 {
        try await postgres.withTransaction { transaction in
            if let old { try await retire(old, crashed: false, in: transaction) }
            let row = try await transaction.queryOne(
                """
                insert into durable_worker (name, lease_expires_at)
                values (\(name), clock_timestamp() + \(lease) * interval '1 microsecond')
                returning epoch
                """)
            guard let row else { throw OwnershipLost() }
            return try row.get(at: 0)
        }
    }

    /// Prolongs the lease; false when it was taken over.
    static func beat(
        _ epoch: Int64, lease: Duration, on postgres: PostgresClient
    ) async throws(PostgresError) -> Bool {
        let count = try await postgres.execute(
            """
            update durable_worker
            set lease_expires_at = clock_timestamp() + \(lease) * interval '1 microsecond'
            where epoch = \(epoch)
            """)
        return count == 1
    }

    /// Puts the runs of one expired worker back; false when there is none.
    ///
    /// First the lock, then the runs: only a statement after the lock sees what the worker's last
    /// write left behind. A worker that is writing right now is left for the next round.
    static func takeOver(as epoch: Int64, on postgres: PostgresClient) async throws -> Bool {
        try await postgres.withTransaction { transaction in
            let row = try await transaction.queryOne(
                """
                select epoch from durable_worker
                where lease_expires_at < clock_timestamp() and epoch <> \(epoch)
                order by epoch limit 1 for update skip locked
                """)
            guard let row else { return false }
            try await retire(row.get(at: 0), crashed: true, in: transaction)
            return true
        }
    }

    /// Hands back everything at once, at the end of a process.
    static func retire(_ epoch: Int64, on postgres: PostgresClient) async throws {
        try await postgres.withTransaction { transaction in
            try await retire(epoch, crashed: false, in: transaction)
        }
    }

    private static func retire(
        _ epoch: Int64, crashed: Bool, in transaction: Transaction
    ) async throws(PostgresError) {
        _ = try await transaction.pipeline([
            "select 1 from durable_worker where epoch = \(epoch) for update",
            """
            with freed as (
                delete from durable_active where epoch = \(epoch)
                returning run_id, workflow, version, execution, crashes
            )
            insert into durable_ready (run_id, workflow, version, execution, crashes)
            select run_id, workflow, version, execution, crashes + \(Int32(crashed ? 1 : 0))
            from freed
            """,
            "delete from durable_worker where epoch = \(epoch)",
        ])
    }
}
