import Contracts
import FoundationEssentials
import Kernel
import PostgresKit
import SecurityKit

/// The secrets by which clients' events are believed, sealed.
struct EventSecretStore: Sendable {
    /// As many as a client may have keys, and one for user tokens.
    static let maximumPerClient = 101

    let postgres: PostgresClient
    let sealing: SealingKey

    /// All of a client's, opened.
    func keys(of client: ClientID) async throws -> [UUID: EventSecretKeys] {
        let rows = try await postgres.query(
            """
            select scope_id, secret, previous_secret, previous_until from event_secret
            where client_id = \(client)
            """)
        var keys: [UUID: EventSecretKeys] = [:]
        for row in rows {
            let id: UUID = try row.get("scope_id")
            let previous: [UInt8]? = try row.get("previous_secret")
            keys[id] = EventSecretKeys(
                current: try sealing.open(try row.get("secret"), of: id),
                previous: try previous.map { try sealing.open($0, of: id) },
                previousUntil: try row.get("previous_until"))
        }
        return keys
    }

    func list(of client: ClientID) async throws -> [EventSecret] {
        try await postgres.query(
            "\(Self.select) where client_id = \(client) order by created_at, scope")
    }

    /// Puts a new secret in force; one that was there counts until `previousUntil`.
    func rotate(
        _ scope: EventSecretScope, to secret: String, previousUntil: Timestamp,
        of client: ClientID, at now: Timestamp, in transaction: Transaction
    ) async throws -> EventSecret {
        let id = scope.rowID(of: client)
        let sealed = try sealing.seal(Array(secret.utf8), for: id)
        let row = try await transaction.queryOne(
            "select count(*) as count from event_secret where client_id = \(client)")
        guard try row?.get("count") ?? 0 < Self.maximumPerClient else {
            throw EventSecretFailure.tooMany
        }
        let made: EventSecret? = try await transaction.queryOne(
            """
            insert into event_secret (client_id, scope_id, scope, secret, created_at, updated_at)
            values (\(client), \(id), \(scope.text), \(sealed), \(now), \(now))
            on conflict (client_id, scope_id) do update
            set previous_secret = event_secret.secret, previous_until = \(previousUntil),
                secret = excluded.secret, updated_at = excluded.updated_at
            returning \(Self.columns)
            """)
        guard let made else { throw EventSecretFailure.unknown }
        return made
    }

    /// Whether it was there.
    func delete(_ scope: EventSecretScope, of client: ClientID) async throws -> Bool {
        try await postgres.execute(
            """
            delete from event_secret
            where client_id = \(client) and scope_id = \(scope.rowID(of: client))
            """) == 1
    }

    private static let columns: SQL = "scope, previous_until, created_at, updated_at"
    private static let select: SQL = "select \(columns) from event_secret"
}

extension EventSecret: RowDecodable {
    init(row: Row) throws(PostgresError) {
        self.init(
            scope: try row.get("scope"), previousUntil: try row.get("previous_until"),
            createdAt: try row.get("created_at"), updatedAt: try row.get("updated_at"))
    }
}
