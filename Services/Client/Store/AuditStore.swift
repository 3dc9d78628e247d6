import Kernel
import PostgresKit

/// The table of deeds: entries are added and read, nothing else.
struct AuditStore: Sendable {
    let postgres: PostgresClient

    func append(_ entry: AuditEntry, in transaction: Transaction) async throws(PostgresError) {
        try await transaction.execute(
            """
            insert into audit_entry (client_id, actor, action, target, detail, at)
            values (
                \(entry.clientID), \(entry.actor), \(entry.action), \(entry.target),
                \(entry.detail), \(entry.at))
            """)
    }

    /// Entries, newest first, of one client or of all; one more than `limit` when there are more.
    func list(
        of client: ClientID?, before: Int?, limit: Int
    ) async throws(PostgresError) -> [RecordedEntry] {
        try await postgres.query(
            """
            select sequence, client_id, actor, action, target, detail, at from audit_entry
            where (\(client)::uuid is null or client_id = \(client)::uuid)
            and sequence < \(Int64(before ?? .max))
            order by sequence desc limit \(limit + 1)
            """)
    }
}

extension RecordedEntry: RowDecodable {
    init(row: Row) throws(PostgresError) {
        self.init(
            sequence: try row.get("sequence"), clientID: try row.get("client_id"),
            actor: try row.get("actor"), action: try row.get("action"),
            target: try row.get("target"), detail: try row.get("detail"), at: try row.get("at"))
    }
}
