import Contracts
import HTTPKit
import Kernel
import PostgresKit

/// Whose profile a row is.
struct ParticipantKey: Sendable, Hashable, Comparable {
    let clientID: ClientID
    let participantID: ParticipantID

    static func < (left: Self, right: Self) -> Bool {
        (left.clientID, left.participantID) < (right.clientID, right.participantID)
    }
}

/// The table of participants' profiles.
struct ParticipantStore: Sendable {
    let postgres: PostgresClient

    func find(
        _ participant: ParticipantID, of client: ClientID
    ) async throws(PostgresError) -> ParticipantProfile? {
        try await postgres.queryOne(
            """
            \(Self.select) where p.client_id = \(client) and p.participant_id = \(participant)
            """, as: ParticipantRow.self)?.state.profile
    }

    /// Those of these participants that are known.
    func find(
        _ participants: [ParticipantID], of client: ClientID
    ) async throws(PostgresError) -> [ParticipantProfile] {
        try await postgres.query(
            """
            \(Self.select) where p.client_id = \(client)
            and p.participant_id = any(\(participants)::uuid[])
            """, as: ParticipantRow.self
        ).map(\.state.profile)
    }

    /// A client's participants in order of id, one more than `limit` when there are more.
    func list(
        of client: ClientID, after: ParticipantID?, limit: Int
    ) async throws(PostgresError) -> [ParticipantProfile] {
        try await postgres.query(
            """
            \(Self.select) where p.client_id = \(client)
            and (\(after)::uuid is null or p.participant_id > \(after)::uuid)
            order by p.participant_id limit \(limit + 1)
            """, as: ParticipantRow.self
        ).map(\.state.profile)
    }

    // MARK: - For the subscriber: two statements for a whole batch

    /// Reads and locks those that exist.
    func load(
        _ keys: [ParticipantKey], in transaction: Transaction
    ) async throws(PostgresError) -> [ParticipantKey: ParticipantState] {
        let rows = try await transaction.query(
            """
            \(Self.select)
            join unnest(\(keys.map(\.clientID))::uuid[], \(keys.map(\.participantID))::uuid[])
                as k(client_id, participant_id)
                on k.client_id = p.client_id and k.participant_id = p.participant_id
            for update of p
            """, as: ParticipantRow.self)
        return Dictionary(rows.map { ($0.key, $0.state) }) { first, _ in first }
    }

    /// Writes profiles that were loaded, or that are new, in this transaction.
    func save(_ states: [ParticipantState], in transaction: Transaction) async throws {
        let traits = try states.map { try Self.json($0.traits) }
        let trustedTraits = try states.map { try Self.json($0.trustedTraits) }
        try await transaction.execute(
            """
            insert into participant (
                client_id, participant_id, external_id, traits, trusted_traits, first_seen_at,
                last_seen_at, signed_up_at, position)
            select * from unnest(
                \(states.map(\.clientID))::uuid[], \(states.map(\.participantID))::uuid[],
                \(states.map(\.externalID))::text[], \(traits)::jsonb[],
                \(trustedTraits)::jsonb[], \(states.map(\.firstSeenAt))::timestamptz[],
                \(states.map(\.lastSeenAt))::timestamptz[],
                \(states.map(\.signedUpAt))::timestamptz[],
                \(states.map { Int64($0.position) })::bigint[])
            on conflict (client_id, participant_id) do update
            set traits = excluded.traits, trusted_traits = excluded.trusted_traits,
                first_seen_at = excluded.first_seen_at, last_seen_at = excluded.last_seen_at,
                signed_up_at = excluded.signed_up_at, position = excluded.position
            """)
    }

    /// Forgets these, also those that are not known.
    func delete(_ keys: [ParticipantKey], in transaction: Transaction) async throws {
        try await transaction.execute(
            """
            delete from participant p
            using unnest(\(keys.map(\.clientID))::uuid[], \(keys.map(\.participantID))::uuid[])
                as k(client_id, participant_id)
            where k.client_id = p.client_id and k.participant_id = p.participant_id
            """)
    }

    private static func json(_ traits: TraitSet) throws -> JSONB {
        JSONB(try JSONCoding.encode(JSONValue.object(traits.values)))
    }

    private static let select: SQL = """
        select p.client_id, p.participant_id, p.external_id, p.traits, p.trusted_traits,
            p.first_seen_at, p.last_seen_at, p.signed_up_at, p.position
        from participant p
        """
}

/// A row of the query above.
private struct ParticipantRow: RowDecodable {
    let state: ParticipantState

    var key: ParticipantKey {
        ParticipantKey(clientID: state.clientID, participantID: state.participantID)
    }

    init(row: Row) throws(PostgresError) {
        state = ParticipantState(
            clientID: try row.get("client_id"), participantID: try row.get("participant_id"),
            externalID: try row.get("external_id"),
            traits: try Self.traits(row.get("traits")),
            trustedTraits: try Self.traits(row.get("trusted_traits")),
            firstSeenAt: try row.get("first_seen_at"), lastSeenAt: try row.get("last_seen_at"),
            signedUpAt: try row.get("signed_up_at"), position: try row.get("position"))
    }

    private static func traits(_ stored: JSONB) throws(PostgresError) -> TraitSet {
        guard let value = try? JSONCoding.parse(stored.bytes), let members = value.object else {
            throw PostgresError.unreadable("stored traits")
        }
        return TraitSet(members)
    }
}
