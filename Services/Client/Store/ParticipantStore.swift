import Contracts
import HTTPKit
import Kernel
import PostgresKit

/// The table of participants' profiles.
struct ParticipantStore: Sendable {
    let postgres: PostgresClient

    func find(
        _ participant: ParticipantID, of client: ClientID
    ) async throws(PostgresError) -> ParticipantProfile? {
        try await postgres.queryOne(
            """
            \(Self.select) where p.client_id = \(client) and p.participant_id = \(participant)
            """, as: ProfileRow.self)?.profile
    }

    /// Those of these participants that are known.
    func find(
        _ participants: [ParticipantID], of client: ClientID
    ) async throws(PostgresError) -> [ParticipantProfile] {
        try await postgres.query(
            """
            \(Self.select) where p.client_id = \(client)
            and p.participant_id = any(\(participants)::uuid[])
            """, as: ProfileRow.self
        ).map(\.profile)
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
            """, as: ProfileRow.self
        ).map(\.profile)
    }

    // MARK: - For the subscriber, which alone writes: a shard's lease holder, a batch at a time

    /// What is stored of those whom a batch is about, by their places in `news`.
    ///
    /// Locks nothing. Nobody else writes these rows: a client is in one shard, and what a former
    /// holder of the shard's lease still writes is rolled back when the cursor does not move.
    func load(
        _ news: [ParticipantNews], in transaction: Transaction
    ) async throws(PostgresError) -> [Int: StoredParticipant] {
        let rows = try await transaction.query(
            """
            select k.place, p.first_seen_at, p.last_seen_at, p.signed_up_at,
                case when k.with_traits then p.traits end as traits,
                case when k.with_traits then p.trusted_traits end as trusted_traits, p.position
            from unnest(
                \(news.map(\.key.clientID))::uuid[], \(news.map(\.key.participantID))::uuid[],
                \(news.map(\.tellsTraits))::boolean[]
            ) with ordinality as k(client_id, participant_id, with_traits, place)
            join participant p
                on p.client_id = k.client_id and p.participant_id = k.participant_id
            """)
        var found: [Int: StoredParticipant] = [:]
        found.reserveCapacity(rows.count)
        for row in rows {
            let traits: ToldTraits?
            if let all = try row.get(at: 4, as: JSONB?.self) {
                traits = ToldTraits(
                    all: try TraitSet(stored: all), trusted: try TraitSet(stored: row.get(at: 5)),
                    position: try row.get(at: 6))
            } else {
                traits = nil
            }
            let place: Int = try row.get(at: 0)
            found[place - 1] = StoredParticipant(
                seen: SeenTimes(
                    firstSeenAt: try row.get(at: 1), lastSeenAt: try row.get(at: 2),
                    signedUpAt: try row.get(at: 3)),
                traits: traits)
        }
        return found
    }

    /// Writes what changes, in the transaction in which it was loaded.
    func save(_ changes: [ParticipantChange], in transaction: Transaction) async throws {
        // In one order, so that nobody waits in a circle for rows.
        let sorted = changes.sorted { $0.key < $1.key }
        var statements: [SQL] = []
        let whole = sorted.filter { $0.traits != nil }
        if !whole.isEmpty { statements.append(try Self.write(whole)) }
        let seen = sorted.filter { $0.traits == nil }
        if !seen.isEmpty { statements.append(Self.touch(seen)) }
        _ = try await transaction.pipeline(statements)
    }

    private static func write(_ changes: [ParticipantChange]) throws -> SQL {
        let traits = try changes.map { try json($0.traits?.all) }
        let trustedTraits = try changes.map { try json($0.traits?.trusted) }
        return """
            insert into participant (
                client_id, participant_id, external_id, traits, trusted_traits, first_seen_at,
                last_seen_at, signed_up_at, position)
            select * from unnest(
                \(changes.map(\.key.clientID))::uuid[], \(changes.map(\.key.participantID))::uuid[],
                \(changes.map(\.externalID))::text[], \(traits)::jsonb[],
                \(trustedTraits)::jsonb[], \(changes.map(\.seen.firstSeenAt))::timestamptz[],
                \(changes.map(\.seen.lastSeenAt))::timestamptz[],
                \(changes.map(\.seen.signedUpAt))::timestamptz[],
                \(changes.map { Int64($0.traits?.position ?? 0) })::bigint[])
            on conflict (client_id, participant_id) do update
            set traits = excluded.traits, trusted_traits = excluded.trusted_traits,
                first_seen_at = excluded.first_seen_at, last_seen_at = excluded.last_seen_at,
                signed_up_at = excluded.signed_up_at, position = excluded.position
            """
    }

    private static func touch(_ changes: [ParticipantChange]) -> SQL {
        """
        update participant p
        set first_seen_at = k.first_seen_at, last_seen_at = k.last_seen_at,
            signed_up_at = k.signed_up_at
        from unnest(
            \(changes.map(\.key.clientID))::uuid[], \(changes.map(\.key.participantID))::uuid[],
            \(changes.map(\.seen.firstSeenAt))::timestamptz[],
            \(changes.map(\.seen.lastSeenAt))::timestamptz[],
            \(changes.map(\.seen.signedUpAt))::timestamptz[]
        ) as k(client_id, participant_id, first_seen_at, last_seen_at, signed_up_at)
        where p.client_id = k.client_id and p.participant_id = k.participant_id
        """
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

    private static func json(_ traits: TraitSet?) throws -> JSONB {
        guard let values = traits?.values, !values.isEmpty else { return JSONB(Array("{}".utf8)) }
        return JSONB(try JSONCoding.encode(JSONValue.object(values)))
    }

    private static let select: SQL = """
        select p.client_id, p.participant_id, p.external_id, p.traits, p.trusted_traits,
            p.first_seen_at, p.last_seen_at, p.signed_up_at
        from participant p
        """
}

/// A row of the query above.
private struct ProfileRow: RowDecodable {
    let profile: ParticipantProfile

    init(row: Row) throws(PostgresError) {
        let traits = try TraitSet(stored: row.get("traits"))
        let trustedTraits = try TraitSet(stored: row.get("trusted_traits"))
        profile = ParticipantProfile(
            participantID: try row.get("participant_id"), clientID: try row.get("client_id"),
            externalID: try row.get("external_id"), traits: .object(traits.values),
            trustedTraits: .object(trustedTraits.values),
            firstSeenAt: try row.get("first_seen_at"), lastSeenAt: try row.get("last_seen_at"),
            signedUpAt: try row.get("signed_up_at"))
    }
}

extension TraitSet {
    fileprivate init(stored: JSONB) throws(PostgresError) {
        guard let value = try? JSONCoding.parse(stored.bytes), let members = value.object else {
            throw PostgresError.unreadable("stored traits")
        }
        self.init(members)
    }
}
