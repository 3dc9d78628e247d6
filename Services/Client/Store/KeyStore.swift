import Contracts
import Kernel
import PostgresKit

/// The table of API keys. Holds hashes, never a key.
struct KeyStore: Sendable {
    let postgres: PostgresClient

    /// What every service must know of the key with this hash (SHA-256, 32 bytes); nil when there
    /// is none or it was revoked.
    func resolve(_ hash: [UInt8]) async throws(PostgresError) -> ResolvedKey? {
        try await postgres.queryOne(
            """
            select k.key_id, k.client_id, k.kind, k.scopes, k.origins, c.mode, c.status,
                c.business_clock_offset_milliseconds
            from api_key k join client c on c.client_id = k.client_id
            where k.key_hash = \(hash) and k.revoked_at is null
            """, as: ResolvedRow.self)?.key
    }

    /// Whether a client has this key and has not revoked it.
    func isInUse(_ key: APIKeyID, of client: ClientID) async throws(PostgresError) -> Bool {
        try await postgres.queryOne(
            """
            select 1 as found from api_key
            where client_id = \(client) and key_id = \(key) and revoked_at is null
            """) != nil
    }

    /// A client's keys in order of creation, revoked ones too; one more than `limit` when there
    /// are more.
    func list(
        of client: ClientID, after: APIKeyID?, limit: Int
    ) async throws(PostgresError) -> [APIKey] {
        try await postgres.query(
            """
            \(Self.select) where k.client_id = \(client)
            and (\(after)::uuid is null or k.key_id > \(after)::uuid)
            order by k.key_id limit \(limit + 1)
            """, as: KeyRow.self
        ).map(\.key)
    }

    /// How many keys of a client are in use. The client must be locked.
    func countInUse(
        of client: ClientID, in transaction: Transaction
    ) async throws(PostgresError) -> Int {
        let row = try await transaction.queryOne(
            """
            select count(*) as number from api_key
            where client_id = \(client) and revoked_at is null
            """)
        return try row?.get("number") ?? 0
    }

    func insert(
        _ key: APIKey, hash: [UInt8], in transaction: Transaction
    ) async throws(PostgresError) {
        try await transaction.execute(
            """
            insert into api_key (
                client_id, key_id, kind, name, key_hash, hint, origins, scopes, created_by,
                created_at)
            values (
                \(key.clientID), \(key.keyID), \(key.kind), \(key.name), \(hash), \(key.hint),
                \(key.origins), \(key.scopes), \(key.createdBy), \(key.createdAt))
            """)
    }

    /// Revokes a key for good. `isNews` is false when it was revoked before.
    /// Throws `ClientFailure.keyNotFound`.
    func revoke(
        _ key: APIKeyID, of client: ClientID, at now: Timestamp, in transaction: Transaction
    ) async throws -> (key: APIKey, hash: [UInt8], isNews: Bool) {
        let changed = try await transaction.execute(
            """
            update api_key set revoked_at = \(now)
            where client_id = \(client) and key_id = \(key) and revoked_at is null
            """)
        let row = try await transaction.queryOne(
            "\(Self.select) where k.client_id = \(client) and k.key_id = \(key)", as: KeyRow.self)
        guard let row else { throw ClientFailure.keyNotFound }
        return (row.key, row.hash, changed == 1)
    }

    private static let select: SQL = """
        select k.client_id, k.key_id, k.kind, k.name, k.key_hash, k.hint, k.origins, k.scopes,
            k.created_by, k.created_at, k.revoked_at, c.mode
        from api_key k join client c on c.client_id = k.client_id
        """
}

/// A row of `KeyStore.select`.
private struct KeyRow: RowDecodable {
    let key: APIKey
    let hash: [UInt8]

    init(row: Row) throws(PostgresError) {
        hash = try row.get("key_hash")
        key = APIKey(
            keyID: try row.get("key_id"), clientID: try row.get("client_id"),
            kind: try row.get("kind"), mode: try row.get("mode"), name: try row.get("name"),
            hint: try row.get("hint"), origins: try row.get("origins"),
            scopes: try row.get("scopes"), createdBy: try row.get("created_by"),
            createdAt: try row.get("created_at"), revokedAt: try row.get("revoked_at"))
    }
}

private struct ResolvedRow: RowDecodable {
    let key: ResolvedKey

    init(row: Row) throws(PostgresError) {
        key = ResolvedKey(
            keyID: try row.get("key_id"), clientID: try row.get("client_id"),
            kind: try row.get("kind"), mode: try row.get("mode"), scopes: try row.get("scopes"),
            origins: try row.get("origins"), clientStatus: try row.get("status"),
            businessClockOffsetMilliseconds: try row.get("business_clock_offset_milliseconds"))
    }
}
