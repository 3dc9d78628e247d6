import Contracts
import FoundationEssentials
import Kernel
import PostgresKit

/// Orders to forget people, and the part of the log that they rewrite.
struct ErasureStore: Sendable {
    /// An order under way.
    struct Work: Sendable, RowDecodable {
        let clientID: ClientID
        let erasureID: ErasureID
        let person: ErasedPerson
        let shard: Int
        let upTo: Int
        let passed: Int
        let foundMore: Bool

        init(row: Row) throws(PostgresError) {
            clientID = try row.get("client_id")
            erasureID = try row.get("erasure_id")
            person = ErasedPerson(
                externalID: try row.get("external_id"),
                anonymousIDs: Set(try row.get("anonymous_ids", as: [String].self)))
            shard = try row.get("shard")
            upTo = try row.get("up_to_position")
            passed = try row.get("passed_position")
            foundMore = try row.get("found_more")
        }
    }

    let postgres: PostgresClient

    // MARK: - Orders

    /// Takes an order; it reaches as far as the log does now.
    func create(
        _ id: ErasureID, of person: ErasedPerson, client: ClientID, shard: Int, at now: Timestamp,
        in transaction: Transaction
    ) async throws -> Erasure {
        let made: Erasure? = try await transaction.queryOne(
            """
            insert into erasure (
                client_id, erasure_id, status, external_id, anonymous_ids, shard, up_to_position,
                requested_at)
            select \(client), \(id), 'running', \(person.externalID)::text,
                \(person.anonymousIDs.sorted())::text[], shard, head, \(now)::timestamptz
            from log_shard where shard = \(shard)
            returning \(Self.columns)
            """)
        guard let made else { throw LogFailure.unknownShard(shard) }
        return made
    }

    func find(_ id: ErasureID, of client: ClientID) async throws -> Erasure? {
        try await postgres.queryOne(
            """
            select \(Self.columns) from erasure
            where client_id = \(client) and erasure_id = \(id)
            """)
    }

    /// In order of id, one more than `limit` when there are more.
    func list(of client: ClientID, after: ErasureID?, limit: Int) async throws -> [Erasure] {
        try await postgres.query(
            """
            select \(Self.columns) from erasure where client_id = \(client)
            and (\(after)::uuid is null or erasure_id > \(after)::uuid)
            order by erasure_id limit \(limit + 1)
            """)
    }

    // MARK: - The work

    /// The oldest order that nobody works on, until the transaction's end.
    func next(in transaction: Transaction) async throws -> Work? {
        try await transaction.queryOne(
            """
            select client_id, erasure_id, external_id, anonymous_ids, shard, up_to_position,
                passed_position, found_more
            from erasure where status = 'running'
            order by requested_at limit 1 for update skip locked
            """)
    }

    /// The next segments of the work that every subscriber has read: what somebody may still
    /// have to send on must not change under them.
    func segments(
        of work: Work, limit: Int, in transaction: Transaction
    ) async throws -> [StoredSegment] {
        try await transaction.query(
            """
            select first_position, last_position, header, body from log_segment s
            where shard = \(work.shard) and last_position > \(work.passed)
                and first_position <= \(work.upTo)
                and not exists (
                    select from log_subscriber b
                    where b.shard = s.shard and b.acknowledged < s.last_position)
            order by last_position limit \(limit)
            """)
    }

    /// Whether the log still has something of the work before it.
    func hasMore(_ work: Work, after position: Int, in transaction: Transaction) async throws
        -> Bool
    {
        try await transaction.queryOne(
            """
            select from log_segment where shard = \(work.shard) and last_position > \(position)
                and first_position <= \(work.upTo) limit 1
            """) != nil
    }

    func replace(
        _ segments: [SegmentDraft], shard: Int, in transaction: Transaction
    ) async throws {
        for segment in segments {
            try await transaction.execute(
                """
                update log_segment set header = \(segment.header.bytes), body = \(segment.body)
                where shard = \(shard) and last_position = \(segment.lastPosition)
                """)
        }
    }

    /// Notes how far a pass is.
    func progress(
        _ work: Work, _ person: ErasedPerson, passed: Int, foundMore: Bool, erased: Int,
        in transaction: Transaction
    ) async throws {
        try await transaction.execute(
            """
            update erasure set passed_position = \(passed), found_more = \(foundMore),
                anonymous_ids = \(person.anonymousIDs.sorted())::text[],
                events_erased = events_erased + \(erased)
            where client_id = \(work.clientID) and erasure_id = \(work.erasureID)
            """)
    }

    /// Drops what was rejected and names the person anywhere: it is as it was sent, so what is
    /// looked for is the id as JSON writes it.
    func dropRejected(_ work: Work, in transaction: Transaction) async throws {
        let ids = [work.person.externalID].compactMap(\.self) + work.person.anonymousIDs.sorted()
        let needles = ids.map { Array(JSONText.quoted($0).utf8) }
        try await transaction.execute(
            """
            delete from rejected_event r using unnest(\(needles)::bytea[]) as named (id)
            where r.client_id = \(work.clientID)
                and (position(named.id in r.body) > 0 or position(named.id in r.shared) > 0)
            """)
    }

    /// Marks the work as done and forgets whose it was.
    func finish(_ work: Work, at now: Timestamp, in transaction: Transaction) async throws {
        try await transaction.execute(
            """
            update erasure set status = 'done', external_id = null, anonymous_ids = '{}',
                finished_at = \(now)
            where client_id = \(work.clientID) and erasure_id = \(work.erasureID)
            """)
    }

    private static let columns: SQL =
        "erasure_id, status, events_erased, requested_at, finished_at"
}

extension Erasure: RowDecodable {
    init(row: Row) throws(PostgresError) {
        erasureID = try row.get("erasure_id")
        let text: String = try row.get("status")
        guard let status = Status(rawValue: text) else { throw .unreadable("an erasure's status") }
        self.status = status
        eventsErased = try row.get("events_erased")
        requestedAt = try row.get("requested_at")
        finishedAt = try row.get("finished_at")
    }
}
