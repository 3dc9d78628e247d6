import Contracts
import HTTPKit
import Kernel
import PostgresKit

/// Types of events that clients added, and what becomes of unknown ones.
struct EventTypeStore: Sendable {
    static let maximumPerClient = 200

    let postgres: PostgresClient

    // MARK: - Intake

    /// All that the intake checks a client's events by.
    func catalogue(of client: ClientID) async throws -> ClientCatalogue {
        async let unknown = unknownTypes(of: client)
        async let entries = list(of: client)
        var catalogue = ClientCatalogue(unknown: try await unknown)
        for entry in try await entries {
            catalogue.schemas[entry.name] = try PropertySchema(ofProperties: entry.schema)
        }
        return catalogue
    }

    // MARK: - Managing

    /// At most `maximumPerClient`.
    func list(of client: ClientID) async throws -> [EventTypeEntry] {
        try await postgres.query(
            "\(Self.select) where client_id = \(client) order by name collate \"C\"")
    }

    func find(_ name: String, of client: ClientID) async throws -> EventTypeEntry? {
        try await postgres.queryOne(
            "\(Self.select) where client_id = \(client) and name = \(name)")
    }

    /// Adds a type. Throws `EventTypeFailure` when it is there, or there are too many.
    func create(
        _ entry: EventTypeEntry, of client: ClientID, at now: Timestamp, in transaction: Transaction
    ) async throws {
        // One change of a client's types at a time, so that the count holds.
        try await transaction.execute(
            """
            insert into event_setting (client_id, unknown_event_types, updated_at)
            values (\(client), \(UnknownEventTypes.accept.rawValue), \(now))
            on conflict (client_id) do nothing
            """)
        _ = try await transaction.queryOne(
            "select 1 as locked from event_setting where client_id = \(client) for update")
        let row = try await transaction.queryOne(
            "select count(*) as count from event_type where client_id = \(client)")
        guard try row?.get("count") ?? 0 < Self.maximumPerClient else {
            throw EventTypeFailure.tooMany(Self.maximumPerClient)
        }
        let inserted = try await transaction.execute(
            """
            insert into event_type (
                client_id, name, description, schema, created_at, updated_at)
            values (
                \(client), \(entry.name), \(entry.description),
                \(JSONB(try JSONCoding.encode(entry.schema))), \(now), \(now))
            on conflict (client_id, name) do nothing
            """)
        guard inserted == 1 else { throw EventTypeFailure.exists(entry.name) }
    }

    /// Changes what is given. Throws `EventTypeFailure.unknown`.
    func update(
        _ name: String, description: String?, schema: JSONValue?, of client: ClientID,
        at now: Timestamp
    ) async throws -> EventTypeEntry {
        let schema = try schema.map { JSONB(try JSONCoding.encode($0)) }
        let entry: EventTypeEntry? = try await postgres.queryOne(
            """
            update event_type
            set description = coalesce(\(description)::text, description),
                schema = coalesce(\(schema)::jsonb, schema), updated_at = \(now)
            where client_id = \(client) and name = \(name)
            returning \(Self.columns)
            """)
        guard let entry else { throw EventTypeFailure.unknown }
        return entry
    }

    /// Whether it was there.
    func delete(_ name: String, of client: ClientID) async throws -> Bool {
        try await postgres.execute(
            "delete from event_type where client_id = \(client) and name = \(name)") == 1
    }

    func unknownTypes(of client: ClientID) async throws -> UnknownEventTypes {
        let row = try await postgres.queryOne(
            "select unknown_event_types from event_setting where client_id = \(client)")
        return try row?.get("unknown_event_types") ?? .accept
    }

    func set(_ unknown: UnknownEventTypes, of client: ClientID, at now: Timestamp) async throws {
        try await postgres.execute(
            """
            insert into event_setting (client_id, unknown_event_types, updated_at)
            values (\(client), \(unknown.rawValue), \(now))
            on conflict (client_id) do update
            set unknown_event_types = excluded.unknown_event_types,
                updated_at = excluded.updated_at
            """)
    }

    private static let columns: SQL = "name, description, schema, created_at, updated_at"
    private static let select: SQL = "select \(columns) from event_type"
}

extension EventTypeEntry: RowDecodable {
    init(row: Row) throws(PostgresError) {
        let schema: JSONB = try row.get("schema")
        self.init(
            name: try row.get("name"), source: .client, category: nil,
            description: try row.get("description"), schema: try schema.decode(),
            createdAt: try row.get("created_at"), updatedAt: try row.get("updated_at"))
    }
}
