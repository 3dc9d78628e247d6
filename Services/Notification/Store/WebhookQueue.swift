import Contracts
import Kernel
import PostgresKit

/// A delivery that this process may send until its lease ends.
struct WebhookJob: Sendable {
    let clientID: ClientID
    let webhookID: WebhookID
    let id: WebhookDeliveryID
    /// Fences what is recorded.
    let attempt: Int
    /// Counts the attempts since the last replay, for the schedule.
    let roundAttempt: Int
    let url: String
    let sealedSecret: [UInt8]
    /// Nil when there is none, or its time is over.
    let previousSealedSecret: [UInt8]?
    let body: [UInt8]
    let traceparent: String?
}

/// How an attempt ended.
enum WebhookResult: Sendable, Hashable {
    case delivered
    case again(at: Timestamp)
    case failed
    /// The receiver wants no more at all.
    case gone
}

/// A delivery about to be stored.
struct NewDelivery: Sendable {
    let clientID: ClientID
    let webhookID: WebhookID
    let id: WebhookDeliveryID
    let eventID: String
    let type: String
    let body: [UInt8]
    let traceparent: String?
}

/// The deliveries that are due: who may send which, and what became of it.
struct WebhookQueue: Sendable {
    /// One slow receiver must not keep the others waiting.
    static let perWebhookLimit = 4

    let postgres: PostgresClient

    // MARK: - Filling

    /// Webhooks that are switched on, of these clients.
    func enabled(
        of clients: Set<ClientID>, in transaction: Transaction
    ) async throws -> [(client: ClientID, webhook: WebhookID, types: [String])] {
        try await transaction.query(
            """
            select client_id, webhook_id, types from webhook
            where client_id = any(\(clients.sorted())) and status = 'enabled'
            order by client_id, webhook_id for key share
            """
        ).map { (try $0.get("client_id"), try $0.get("webhook_id"), try $0.get("types")) }
    }

    /// Stores deliveries; one of the same event to the same webhook is there already.
    func insert(
        _ deliveries: [NewDelivery], at now: Timestamp, in transaction: Transaction
    ) async throws {
        guard !deliveries.isEmpty else { return }
        try await transaction.execute(
            """
            insert into webhook_delivery (
                client_id, webhook_id, delivery_id, event_id, type, body, traceparent, status,
                due_at, created_at)
            select client_id, webhook_id, delivery_id, event_id, type, body, traceparent,
                'pending', \(now), \(now)
            from unnest(
                \(deliveries.map(\.clientID)), \(deliveries.map(\.webhookID)),
                \(deliveries.map(\.id)), \(deliveries.map(\.eventID))::text[],
                \(deliveries.map(\.type))::text[], \(deliveries.map(\.body)),
                \(deliveries.map(\.traceparent))::text[]
            ) as r (client_id, webhook_id, delivery_id, event_id, type, body, traceparent)
            on conflict do nothing
            """)
    }

    // MARK: - Claiming

    /// Leases at most `limit` due deliveries, none of webhooks that are `busy`.
    func claim(
        _ limit: Int, busy: [WebhookID], lease: Duration, at now: Timestamp
    ) async throws -> [WebhookJob] {
        let leaseEnd = now + lease
        return try await postgres.query(
            """
            with due as (
                select d.client_id, d.webhook_id, d.delivery_id, d.due_at
                from webhook_delivery d
                join webhook w on w.client_id = d.client_id and w.webhook_id = d.webhook_id
                where d.status = 'pending' and d.due_at <= \(now) and w.status = 'enabled'
                and d.webhook_id <> all(\(busy))
                order by d.due_at limit 500
            ), candidate as (
                select *, row_number() over (
                    partition by webhook_id order by due_at) as place
                from due
            ), chosen as (
                select d.client_id, d.delivery_id from webhook_delivery d
                join candidate c on c.client_id = d.client_id
                    and c.delivery_id = d.delivery_id
                where c.place <= \(Self.perWebhookLimit) and d.status = 'pending'
                order by c.due_at limit \(limit) for update of d skip locked
            ), begun as (
                update webhook_delivery d
                set status = 'sending', attempts = d.attempts + 1,
                    round_attempts = d.round_attempts + 1, lease_until = \(leaseEnd)
                from chosen
                where d.client_id = chosen.client_id and d.delivery_id = chosen.delivery_id
                returning d.*
            ), noted as (
                insert into webhook_attempt (
                    client_id, delivery_id, attempt, status, started_at)
                select client_id, delivery_id, attempts, 'sending', \(now) from begun
            )
            select b.client_id, b.webhook_id, b.delivery_id, b.attempts, b.round_attempts,
                b.body, b.traceparent, w.url, w.secret,
                case when w.previous_until > \(now) then w.previous_secret end as previous
            from begun b
            join webhook w on w.client_id = b.client_id and w.webhook_id = b.webhook_id
            """)
    }

    /// Takes back deliveries whose lease ended without a result. How many.
    func recover(at now: Timestamp) async throws -> Int {
        try await postgres.execute(
            """
            with lost as (
                select client_id, delivery_id, attempts from webhook_delivery
                where status = 'sending' and lease_until <= \(now)
                order by lease_until limit 100 for update skip locked
            ), noted as (
                update webhook_attempt a
                set status = 'unknown', code = 'lease_ended', finished_at = \(now)
                from lost
                where a.client_id = lost.client_id and a.delivery_id = lost.delivery_id
                and a.attempt = lost.attempts and a.status = 'sending'
            )
            update webhook_delivery d
            set status = 'pending', lease_until = null, due_at = \(now),
                unknown_attempts = d.unknown_attempts + 1, last_code = 'lease_ended'
            from lost
            where d.client_id = lost.client_id and d.delivery_id = lost.delivery_id
            """)
    }

    // MARK: - Recording

    /// Records an attempt. False when it is void: its lease ended and another was begun, or the
    /// webhook was deleted.
    func finish(
        _ job: WebhookJob, _ result: WebhookResult, code: String, isUnknown: Bool,
        at now: Timestamp
    ) async throws -> Bool {
        let (next, due): (DeliveryStatus, Timestamp) =
            switch result {
            case .delivered: (.delivered, now)
            case .again(let at): (.pending, at)
            case .failed, .gone: (.failed, now)
            }
        let attempt = isUnknown ? "unknown" : next == .delivered ? "delivered" : "failed"
        return try await postgres.withTransaction { transaction in
            // In the order in which deleting a webhook locks: it, then its deliveries.
            if result == .gone {
                try await transaction.execute(
                    """
                    update webhook
                    set status = 'disabled', reason = 'receiver_gone', updated_at = \(now)
                    where client_id = \(job.clientID) and webhook_id = \(job.webhookID)
                    """)
            }
            let updated = try await transaction.execute(
                """
                update webhook_delivery
                set status = \(next.rawValue), due_at = \(due), lease_until = null,
                    last_code = \(code), finished_at = \(next == .pending ? nil : now),
                    unknown_attempts = unknown_attempts + \(isUnknown ? 1 : 0)
                where client_id = \(job.clientID) and delivery_id = \(job.id)
                and attempts = \(job.attempt) and status in ('sending', 'pending')
                """)
            try await transaction.execute(
                """
                update webhook_attempt
                set status = \(attempt), code = \(code), finished_at = \(now)
                where client_id = \(job.clientID) and delivery_id = \(job.id)
                and attempt = \(job.attempt) and status in ('sending', 'unknown')
                """)
            return updated == 1
        }
    }
}

extension WebhookJob: RowDecodable {
    init(row: Row) throws(PostgresError) {
        self.init(
            clientID: try row.get("client_id"), webhookID: try row.get("webhook_id"),
            id: try row.get("delivery_id"), attempt: try row.get("attempts"),
            roundAttempt: try row.get("round_attempts"), url: try row.get("url"),
            sealedSecret: try row.get("secret"),
            previousSealedSecret: try row.get("previous"), body: try row.get("body"),
            traceparent: try row.get("traceparent"))
    }
}
