import Contracts
import Kernel
import PostgresKit

/// The table of tenants.
struct ClientStore: Sendable {
    let postgres: PostgresClient

    func find(_ client: ClientID) async throws(PostgresError) -> Client? {
        try await postgres.queryOne(
            "\(Self.select) where client_id = \(client)", as: ClientRow.self)?.client
    }

    /// Clients in order of creation, one more than `limit` when there are more. For staff only.
    func list(after: ClientID?, limit: Int) async throws(PostgresError) -> [Client] {
        try await postgres.query(
            """
            \(Self.select) where \(after)::uuid is null or client_id > \(after)::uuid
            order by client_id limit \(limit + 1)
            """, as: ClientRow.self
        ).map(\.client)
    }

    /// Reads a client and keeps others from changing it, or its keys, until the end of the
    /// transaction. Throws `ClientFailure.clientNotFound`.
    func lock(_ client: ClientID, in transaction: Transaction) async throws -> Client {
        let row = try await transaction.queryOne(
            "\(Self.select) where client_id = \(client) for no key update", as: ClientRow.self)
        guard let row else { throw ClientFailure.clientNotFound }
        return row.client
    }

    func insert(_ client: Client, in transaction: Transaction) async throws(PostgresError) {
        try await transaction.execute(
            """
            insert into client (
                client_id, name, mode, status, business_clock_offset_milliseconds, version,
                created_at, updated_at)
            values (
                \(client.clientID), \(client.name), \(client.mode), \(client.status),
                \(client.businessClockOffsetMilliseconds), \(Int32(client.version)),
                \(client.createdAt), \(client.updatedAt))
            """)
    }

    /// Writes a locked client's change.
    func update(_ client: Client, in transaction: Transaction) async throws(PostgresError) {
        try await transaction.execute(
            """
            update client
            set status = \(client.status), version = \(Int32(client.version)),
                business_clock_offset_milliseconds = \(client.businessClockOffsetMilliseconds),
                updated_at = \(client.updatedAt)
            where client_id = \(client.clientID)
            """)
    }

    private static let select: SQL = """
        select client_id, name, mode, status, business_clock_offset_milliseconds, version,
            created_at, updated_at
        from client
        """
}

/// A row of the query above.
private struct ClientRow: RowDecodable {
    let client: Client

    init(row: Row) throws(PostgresError) {
        let version: Int32 = try row.get("version")
        client = Client(
            clientID: try row.get("client_id"), name: try row.get("name"),
            mode: try row.get("mode"), status: try row.get("status"),
            businessClockOffsetMilliseconds: try row.get("business_clock_offset_milliseconds"),
            version: Int(version), createdAt: try row.get("created_at"),
            updatedAt: try row.get("updated_at"))
    }
}
