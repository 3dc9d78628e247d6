import Kernel
import PostgresKit

/// An address that gets no more mail from a client, by its hash.
struct SuppressionRecord: Sendable {
    let addressHash: [UInt8]
    let reason: SuppressionReason
    let createdBy: String
    let createdAt: Timestamp
}

/// The suppression lists of clients. Every function takes the client.
struct SuppressionStore: Sendable {
    let postgres: PostgresClient

    /// By hash, one more than `limit` when there are more.
    func list(
        of client: ClientID, after: [UInt8]?, limit: Int
    ) async throws -> [SuppressionRecord] {
        try await postgres.query(
            """
            \(Self.select) where client_id = \(client)
            and (\(after)::bytea is null or address_hash > \(after)::bytea)
            order by address_hash limit \(limit + 1)
            """)
    }

    func find(_ hash: [UInt8], of client: ClientID) async throws -> SuppressionRecord? {
        try await postgres.queryOne(
            "\(Self.select) where client_id = \(client) and address_hash = \(hash)")
    }

    /// Puts an address on the list; one that is there stays as it is. The row in force.
    func add(
        _ record: SuppressionRecord, of client: ClientID, with executor: some PostgresExecutor
    ) async throws -> SuppressionRecord {
        try await executor.execute(
            """
            insert into suppression (client_id, address_hash, reason, created_by, created_at)
            values (
                \(client), \(record.addressHash), \(record.reason.rawValue),
                \(record.createdBy), \(record.createdAt))
            on conflict do nothing
            """)
        let row: SuppressionRecord? = try await executor.queryOne(
            "\(Self.select) where client_id = \(client) and address_hash = \(record.addressHash)")
        return row ?? record
    }

    /// Whether it was there.
    func remove(_ hash: [UInt8], of client: ClientID) async throws -> Bool {
        try await postgres.execute(
            "delete from suppression where client_id = \(client) and address_hash = \(hash)") == 1
    }

    private static let select: SQL = """
        select address_hash, reason, created_by, created_at from suppression
        """
}

extension SuppressionRecord: RowDecodable {
    init(row: Row) throws(PostgresError) {
        self.init(
            addressHash: try row.get("address_hash"), reason: try row.get("reason"),
            createdBy: try row.get("created_by"), createdAt: try row.get("created_at"))
    }
}
