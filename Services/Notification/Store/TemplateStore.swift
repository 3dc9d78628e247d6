import Kernel
import PostgresKit

/// Templates of clients and their versions. Every function takes the client.
struct TemplateStore: Sendable {
    static let maximumVersions = 1000

    let postgres: PostgresClient

    // MARK: - Reading

    /// Own and built-in templates by key, one more than `limit` when there are more.
    func list(of client: ClientID, after: String?, limit: Int) async throws -> [TemplateSummary] {
        try await postgres.query(
            """
            select k.template_key, t.latest_version, t.published_version, t.updated_at
            from (
                select template_key from template where client_id = \(client)
                union select unnest(\(BuiltInTemplates.keys)::text[])
            ) k
            left join template t
                on t.client_id = \(client) and t.template_key = k.template_key
            where \(after)::text is null or k.template_key > \(after)::text
            order by k.template_key limit \(limit + 1)
            """)
    }

    func find(_ key: String, of client: ClientID) async throws -> TemplateSummary? {
        try await postgres.queryOne(
            """
            select template_key, latest_version, published_version, updated_at
            from template where client_id = \(client) and template_key = \(key)
            """)
    }

    /// Newest first, one more than `limit` when there are more.
    func versions(
        _ key: String, of client: ClientID, before: Int?, limit: Int
    ) async throws -> [TemplateVersion] {
        try await postgres.query(
            """
            \(Self.select) where client_id = \(client) and template_key = \(key)
            and (\(before)::integer is null or version < \(before)::integer)
            order by version desc limit \(limit + 1)
            """)
    }

    func version(
        _ version: Int, _ key: String, of client: ClientID
    ) async throws -> TemplateVersion? {
        try await postgres.queryOne(
            """
            \(Self.select) where client_id = \(client) and template_key = \(key)
            and version = \(version)
            """)
    }

    /// The number of the version in force; nil when the client has published none.
    func publishedVersion(_ key: String, of client: ClientID) async throws -> Int? {
        try await postgres.queryOne(
            """
            select published_version from template
            where client_id = \(client) and template_key = \(key)
            """)?.get("published_version")
    }

    // MARK: - Writing, in the caller's transaction

    func create(
        _ key: String, _ content: TemplateContent, of client: ClientID, author: String,
        at now: Timestamp, in transaction: Transaction
    ) async throws -> TemplateVersion {
        let inserted = try await transaction.execute(
            """
            insert into template (client_id, template_key, latest_version, created_at, updated_at)
            values (\(client), \(key), 1, \(now), \(now)) on conflict do nothing
            """)
        guard inserted == 1 else { throw NotificationFailure.templateExists }
        return try await insert(1, key, content, of: client, author, at: now, in: transaction)
    }

    func addVersion(
        _ key: String, _ content: TemplateContent, of client: ClientID, author: String,
        at now: Timestamp, in transaction: Transaction
    ) async throws -> TemplateVersion {
        let row = try await transaction.queryOne(
            """
            update template set latest_version = latest_version + 1, updated_at = \(now)
            where client_id = \(client) and template_key = \(key) returning latest_version
            """)
        guard let row else { throw NotificationFailure.templateUnknown }
        let version: Int = try row.get("latest_version")
        guard version <= Self.maximumVersions else { throw NotificationFailure.tooManyVersions }
        return try await insert(
            version, key, content, of: client, author, at: now, in: transaction)
    }

    /// Puts a version in force, an older one too.
    func publish(
        _ version: Int, _ key: String, of client: ClientID, actor: String, at now: Timestamp,
        in transaction: Transaction
    ) async throws -> TemplateSummary {
        let row: TemplateSummary? = try await transaction.queryOne(
            """
            select template_key, latest_version, published_version, updated_at from template
            where client_id = \(client) and template_key = \(key) for update
            """)
        guard let row else { throw NotificationFailure.templateUnknown }
        guard (1...(row.latestVersion ?? 0)).contains(version) else {
            throw NotificationFailure.versionUnknown
        }
        _ = try await transaction.pipeline([
            """
            update template set published_version = \(version), updated_at = \(now)
            where client_id = \(client) and template_key = \(key)
            """,
            """
            insert into template_publication (
                client_id, template_key, sequence, version, actor, at)
            select \(client), \(key), count(*) + 1, \(version), \(actor), \(now)
            from template_publication where client_id = \(client) and template_key = \(key)
            """,
        ])
        return TemplateSummary(
            key: key, latestVersion: row.latestVersion, publishedVersion: version,
            updatedAt: now)
    }

    private func insert(
        _ version: Int, _ key: String, _ content: TemplateContent, of client: ClientID,
        _ author: String, at now: Timestamp, in transaction: Transaction
    ) async throws -> TemplateVersion {
        _ = try await transaction.execute(
            """
            insert into template_version (
                client_id, template_key, version, subject, text_body, html_body, author,
                created_at)
            values (
                \(client), \(key), \(version), \(content.subject), \(content.text),
                \(content.html), \(author), \(now))
            """)
        return TemplateVersion(
            key: key, version: version, content: content, author: author, createdAt: now)
    }

    private static let select: SQL = """
        select template_key, version, subject, text_body, html_body, author, created_at
        from template_version
        """
}

extension TemplateSummary: RowDecodable {
    init(row: Row) throws(PostgresError) {
        self.init(
            key: try row.get("template_key"), latestVersion: try row.get("latest_version"),
            publishedVersion: try row.get("published_version"),
            updatedAt: try row.get("updated_at"))
    }
}

extension TemplateVersion: RowDecodable {
    init(row: Row) throws(PostgresError) {
        self.init(
            key: try row.get("template_key"), version: try row.get("version"),
            content: TemplateContent(
                subject: try row.get("subject"), text: try row.get("text_body"),
                html: try row.get("html_body")),
            author: try row.get("author"), createdAt: try row.get("created_at"))
    }
}
