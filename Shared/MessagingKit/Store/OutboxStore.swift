import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit

/// A message as it waits.
struct PendingMessage: RowDecodable {
    let sequence: Int
    let id: String
    let clientID: ClientID
    let body: [UInt8]
    let ageMilliseconds: Int

    init(row: Row) throws(PostgresError) {
        sequence = try row.get("sequence")
        id = try row.get("message_id")
        clientID = try row.get("client_id")
        body = try row.get("body")
        ageMilliseconds = try row.get("age_milliseconds")
    }
}

/// What the log will never take, and why.
struct RefusedMessage: Sendable {
    let pending: PendingMessage
    let reason: String
}

/// The outbox's rows and who may relay them.
struct OutboxStore: Sendable {
    /// How many of the oldest rows a claim looks at, so that its cost is bounded.
    private static let window = 2000

    let postgres: PostgresClient

    /// A statement that adds messages in their order; `wanted` is a query for the ids of those that
    /// are to be added, all without it.
    static func insertion(
        _ messages: [(clientID: ClientID, id: String, body: [UInt8])], wanted: SQL? = nil
    ) -> SQL {
        let condition: SQL = wanted.map { "where message_id in (\($0))" } ?? ""
        return """
            insert into messaging_outbox (client_id, message_id, body)
            select client_id, message_id, body
            from unnest(\(messages.map(\.clientID))::uuid[], \(messages.map(\.id))::text[],
                \(messages.map(\.body))::bytea[])
                with ordinality as message (client_id, message_id, body, place)
            \(condition)
            order by place
            """
    }

    /// Claims the clients with the oldest messages that nobody relays, and reads their messages in
    /// order of sequence. None when nothing waits that is free; then nothing is claimed.
    func claim(
        token: UUID, limit: Int, lease: Duration
    ) async throws(PostgresError) -> [PendingMessage] {
        try await claim(
            clients: """
                select distinct client_id from (
                    select o.client_id
                    from (select client_id, sequence from messaging_outbox
                        order by sequence limit \(Self.window)) o
                    where not exists (select from messaging_relay_claim r
                        where r.client_id = o.client_id and r.expires_at > now())
                    order by o.sequence limit \(limit)) oldest
                """, token: token, limit: limit, lease: lease)
    }

    /// Claims those of the given clients that have messages and that nobody relays, and reads
    /// their messages in order of sequence.
    func claim(
        of clients: [ClientID], token: UUID, limit: Int, lease: Duration
    ) async throws(PostgresError) -> [PendingMessage] {
        try await claim(
            clients: """
                select distinct client_id from messaging_outbox
                where client_id = any(\(clients)::uuid[])
                """, token: token, limit: limit, lease: lease)
    }

    /// One statement, which sees the outbox as it was when it began: it may read what another relay
    /// sent and recorded while it waited for the claim. The log takes that once, so the order
    /// holds. Every claimed client has a message among those read, or stands behind `limit` others.
    ///
    /// It does not wait for the disk: a claim that the server loses has ended.
    private func claim(
        clients: SQL, token: UUID, limit: Int, lease: Duration
    ) async throws(PostgresError) -> [PendingMessage] {
        try await postgres.query(
            """
            with claimed as (
                insert into messaging_relay_claim (client_id, token, expires_at)
                select client_id, \(token)::uuid, now() + \(lease) * interval '1 microsecond'
                from (select set_config('synchronous_commit', 'off', true)) setting,
                    (\(clients)) wanted
                order by client_id
                on conflict (client_id) do update
                    set token = excluded.token, expires_at = excluded.expires_at
                    where messaging_relay_claim.expires_at <= now()
                returning client_id
            )
            select o.sequence, o.message_id, o.client_id, o.body,
                greatest(0, (extract(epoch from now() - o.appended_at) * 1000)::bigint)
                    as age_milliseconds
            from messaging_outbox o join claimed on claimed.client_id = o.client_id
            order by o.sequence limit \(limit)
            """, as: PendingMessage.self)
    }

    /// Lets a claim last longer, unless another has it by now.
    func renew(token: UUID, lease: Duration) async throws(PostgresError) {
        try await postgres.execute(
            """
            update messaging_relay_claim
            set expires_at = now() + \(lease) * interval '1 microsecond'
            where token = \(token)
            """)
    }

    /// Takes exactly these rows away, keeps the refused ones as dead letters, and ends the claim.
    /// True when other messages wait. A repeat changes nothing.
    ///
    /// It does not wait for the disk: what the server forgets is sent again, and the log knows it.
    func finish(
        delivered: [Int], refused: [RefusedMessage], token: UUID
    ) async throws(PostgresError) -> Bool {
        let done = delivered + refused.map(\.pending.sequence)
        var statements: [SQL] = []
        for message in refused {
            statements.append(
                """
                insert into messaging_dead_letter (direction, client_id, message_id, reason, body)
                select 'out', client_id, message_id, \(String(message.reason.prefix(500))), body
                from messaging_outbox where sequence = \(message.pending.sequence)
                """)
        }
        statements.append(
            """
            with done as (delete from messaging_outbox where sequence = any(\(done)::bigint[])),
                ended as (delete from messaging_relay_claim where token = \(token))
            select exists (
                select from (
                    select sequence from messaging_outbox order by sequence limit \(done.count + 1)
                ) oldest where sequence <> all(\(done)::bigint[])
            ) as is_waiting, set_config('synchronous_commit', 'off', true) as setting
            """)
        guard let row = try await postgres.pipeline(statements).last?.first else { return false }
        return try row.get("is_waiting")
    }

    /// Whether any message waits, whoever relays it. By the index: the table itself may be full of
    /// what was sent already.
    func isWaiting() async throws(PostgresError) -> Bool {
        try await postgres.queryOne(
            "select sequence from messaging_outbox order by sequence limit 1") != nil
    }

    /// Whose messages among the given ids still wait.
    func waiting(_ ids: [String]) async throws(PostgresError) -> [ClientID] {
        var clients: [ClientID] = []
        let rows = try await postgres.query(
            """
            select distinct client_id from messaging_outbox
            where message_id = any(\(ids)::text[])
            """)
        for row in rows { clients.append(try row.get("client_id")) }
        return clients
    }

    /// The first of the given ids that the log refused, with the reason.
    func refusal(of ids: [String]) async throws(PostgresError) -> (id: String, reason: String)? {
        guard
            let row = try await postgres.queryOne(
                """
                select message_id, reason from messaging_dead_letter
                where direction = 'out' and message_id = any(\(ids)::text[])
                order by id limit 1
                """)
        else { return nil }
        return (try row.get("message_id"), try row.get("reason"))
    }
}
