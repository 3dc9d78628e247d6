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

/// What a relay may send.
struct Claim: Sendable {
    let token: UUID
    /// Whether the claim holds any client; then it must be ended, also without messages.
    let isHeld: Bool
    /// In order of sequence.
    let messages: [PendingMessage]
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

    /// Claims the clients with the oldest messages that nobody relays, and reads their messages.
    func claim(
        token: UUID, limit: Int, lease: Duration
    ) async throws(PostgresError) -> Claim {
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

    /// The same for given clients.
    func claim(
        of clients: [ClientID], token: UUID, limit: Int, lease: Duration
    ) async throws(PostgresError) -> Claim {
        try await claim(
            clients: "select distinct client_id from unnest(\(clients)::uuid[]) as t (client_id)",
            token: token, limit: limit, lease: lease)
    }

    /// Both statements are one transaction: the second sees what the first claimed, and all that
    /// was committed until then.
    private func claim(
        clients: SQL, token: UUID, limit: Int, lease: Duration
    ) async throws(PostgresError) -> Claim {
        let claim: SQL = """
            insert into messaging_relay_claim (client_id, token, expires_at)
            select client_id, \(token), now() + \(lease) * interval '1 microsecond'
            from (\(clients)) wanted order by client_id
            on conflict (client_id) do update
                set token = excluded.token, expires_at = excluded.expires_at
                where messaging_relay_claim.expires_at <= now()
            returning client_id
            """
        let read: SQL = """
            select o.sequence, o.message_id, o.client_id, o.body,
                greatest(0, (extract(epoch from now() - o.appended_at) * 1000)::bigint)
                    as age_milliseconds
            from messaging_outbox o
            join messaging_relay_claim r on r.client_id = o.client_id
            where r.token = \(token)
            order by o.sequence limit \(limit)
            """
        let results = try await postgres.pipeline([claim, read])
        var messages: [PendingMessage] = []
        for row in results[1] { messages.append(try PendingMessage(row: row)) }
        return Claim(token: token, isHeld: !results[0].isEmpty, messages: messages)
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

    /// Takes exactly these rows away, keeps the refused ones as dead letters, and ends the claim. A
    /// repeat changes nothing.
    func finish(
        delivered: [Int], refused: [RefusedMessage], token: UUID
    ) async throws(PostgresError) {
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
        statements.append("delete from messaging_outbox where sequence = any(\(done)::bigint[])")
        statements.append("delete from messaging_relay_claim where token = \(token)")
        _ = try await postgres.pipeline(statements)
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
