import Contracts
import HTTPKit
import Kernel
import PostgresKit

/// Sources of webhooks, and their notes. Every function takes the client, except for the one that
/// finds out whose an address is.
struct WebhookSourceStore: Sendable {
    static let maximumPerClient = 50
    /// Rows of notes that one source can fill.
    static let maximumNotes = 100

    let postgres: PostgresClient

    // MARK: - Receiving

    /// Whose a source is, with all that is needed to take a webhook.
    func receiver(_ id: WebhookSourceID) async throws -> WebhookReceiver? {
        try await postgres.queryOne(
            """
            select s.client_id, s.mode, s.secret, s.previous_secret,
                coalesce(c.status, 'active') as client_status,
                s.source_id, s.kind, s.name, s.status, s.settings, s.previous_until, s.created_at,
                s.updated_at
            from webhook_source s left join webhook_client c on c.client_id = s.client_id
            where s.source_id = \(id)
            """)
    }

    /// Counts a webhook that came to nothing.
    func note(
        _ topic: String, _ reason: String, _ detail: String, of source: WebhookSourceID,
        client: ClientID, at now: Timestamp
    ) async throws {
        try await postgres.execute(
            """
            insert into webhook_note (
                client_id, source_id, topic, reason, detail, first_at, last_at)
            select \(client), \(source), \(topic), \(reason), \(detail), \(now)::timestamptz,
                \(now)::timestamptz
            where exists (
                select from webhook_note where client_id = \(client) and source_id = \(source)
                and topic = \(topic) and reason = \(reason))
            or (select count(*) from webhook_note where client_id = \(client)
                and source_id = \(source)) < \(Self.maximumNotes)
            on conflict (client_id, source_id, topic, reason) do update
            set count = webhook_note.count + 1, detail = excluded.detail,
                last_at = greatest(webhook_note.last_at, excluded.last_at)
            """)
    }

    /// Takes note of a client's standing; an older message than the last changes nothing.
    func setStanding(_ status: ClientStatus, of client: ClientID, at time: Timestamp) async throws {
        try await postgres.execute(
            """
            insert into webhook_client (client_id, status, told_at)
            values (\(client), \(status.rawValue), \(time))
            on conflict (client_id) do update
            set status = excluded.status, told_at = excluded.told_at
            where webhook_client.told_at <= excluded.told_at
            """)
    }

    // MARK: - Managing

    func list(
        of client: ClientID, after: WebhookSourceID?, limit: Int
    ) async throws -> [WebhookSource] {
        try await postgres.query(
            """
            \(Self.select) where client_id = \(client)
            and (\(after)::uuid is null or source_id > \(after)::uuid)
            order by source_id limit \(limit + 1)
            """)
    }

    func find(_ id: WebhookSourceID, of client: ClientID) async throws -> WebhookSource? {
        try await postgres.queryOne(
            "\(Self.select) where client_id = \(client) and source_id = \(id)")
    }

    /// The same within a transaction, which keeps the row until its end.
    func lock(
        _ id: WebhookSourceID, of client: ClientID, in transaction: Transaction
    ) async throws -> WebhookSource {
        let source: WebhookSource? = try await transaction.queryOne(
            "\(Self.select) where client_id = \(client) and source_id = \(id) for update")
        guard let source else { throw WebhookFailure.sourceUnknown }
        return source
    }

    func create(
        _ source: WebhookSource, sealedSecret: [UInt8], mode: ClientMode, of client: ClientID,
        in transaction: Transaction
    ) async throws {
        let row = try await transaction.queryOne(
            "select count(*) as count from webhook_source where client_id = \(client)")
        guard try row?.get("count") ?? 0 < Self.maximumPerClient else {
            throw WebhookFailure.tooManySources
        }
        try await transaction.execute(
            """
            insert into webhook_source (
                client_id, source_id, kind, name, status, mode, settings, secret, created_at,
                updated_at)
            values (
                \(client), \(source.sourceID), \(source.kind.rawValue), \(source.name),
                \(source.status.rawValue), \(mode.rawValue),
                \(JSONB(try JSONCoding.encode(source.settings))), \(sealedSecret),
                \(source.createdAt), \(source.updatedAt))
            """)
    }

    func update(
        _ id: WebhookSourceID, name: String, settings: WebhookSettings, of client: ClientID,
        at now: Timestamp, in transaction: Transaction
    ) async throws -> WebhookSource {
        try await Self.changed(
            """
            update webhook_source
            set name = \(name), settings = \(JSONB(try JSONCoding.encode(settings))),
                updated_at = \(now)
            where client_id = \(client) and source_id = \(id)
            returning \(Self.columns)
            """, in: transaction)
    }

    /// Puts a new secret in force; the one before counts too until then.
    func rotate(
        _ id: WebhookSourceID, sealedSecret: [UInt8], previousUntil: Timestamp,
        of client: ClientID, at now: Timestamp, in transaction: Transaction
    ) async throws -> WebhookSource {
        try await Self.changed(
            """
            update webhook_source
            set previous_secret = secret, previous_until = \(previousUntil),
                secret = \(sealedSecret), updated_at = \(now)
            where client_id = \(client) and source_id = \(id)
            returning \(Self.columns)
            """, in: transaction)
    }

    func set(
        _ status: WebhookSourceStatus, _ id: WebhookSourceID, of client: ClientID,
        at now: Timestamp, in transaction: Transaction
    ) async throws -> WebhookSource {
        try await Self.changed(
            """
            update webhook_source set status = \(status.rawValue), updated_at = \(now)
            where client_id = \(client) and source_id = \(id)
            returning \(Self.columns)
            """, in: transaction)
    }

    /// Deletes a source with its notes. Whether it was there.
    func delete(_ id: WebhookSourceID, of client: ClientID) async throws -> Bool {
        try await postgres.execute(
            "delete from webhook_source where client_id = \(client) and source_id = \(id)") == 1
    }

    /// What came to nothing, the latest first.
    func notes(of id: WebhookSourceID, client: ClientID) async throws -> [WebhookNote] {
        try await postgres.query(
            """
            select topic, reason, detail, count, first_at, last_at from webhook_note
            where client_id = \(client) and source_id = \(id)
            order by last_at desc, topic, reason limit \(Self.maximumNotes)
            """)
    }

    private static func changed(
        _ statement: SQL, in transaction: Transaction
    ) async throws -> WebhookSource {
        let source: WebhookSource? = try await transaction.queryOne(statement)
        guard let source else { throw WebhookFailure.sourceUnknown }
        return source
    }

    private static let columns: SQL = """
        source_id, kind, name, status, settings, previous_until, created_at, updated_at
        """
    private static let select: SQL = "select \(columns) from webhook_source"
}

extension WebhookSource: RowDecodable {
    init(row: Row) throws(PostgresError) {
        let (kind, stored): (WebhookKind, JSONB) = (
            try row.get("kind"), try row.get("settings")
        )
        let settings: WebhookSettings =
            switch kind {
            case .shopify: .shopify(try stored.decode())
            case .stripe: .stripe(try stored.decode())
            case .custom: .custom(try stored.decode())
            }
        self.init(
            sourceID: try row.get("source_id"), name: try row.get("name"),
            status: try row.get("status"), settings: settings,
            previousSecretUntil: try row.get("previous_until"),
            createdAt: try row.get("created_at"), updatedAt: try row.get("updated_at"))
    }
}

extension WebhookReceiver: RowDecodable {
    init(row: Row) throws(PostgresError) {
        self.init(
            source: try WebhookSource(row: row), clientID: try row.get("client_id"),
            clientStatus: try row.get("client_status"), mode: try row.get("mode"),
            sealedSecret: try row.get("secret"),
            sealedPreviousSecret: try row.get("previous_secret"))
    }
}

extension WebhookNote: RowDecodable {
    init(row: Row) throws(PostgresError) {
        self.init(
            topic: try row.get("topic"), reason: try row.get("reason"),
            detail: try row.get("detail"), count: try row.get("count"),
            firstAt: try row.get("first_at"), lastAt: try row.get("last_at"))
    }
}
