import Contracts
import FoundationEssentials
import Kernel
import MessagingKit
import PostgresKit

/// A message that this process may send until its lease ends.
struct MailJob: Sendable {
    let clientID: ClientID
    let id: NotificationID
    /// Fences what is recorded: a later attempt makes it void.
    let attempt: Int
    let address: String
    let addressHash: [UInt8]
    let content: RenderedMessage
    let createdAt: Timestamp
    let change: NotificationChange
    let campaignID: CampaignID?
    let traceparent: String?
}

/// How an attempt ended.
enum MailResult: Sendable, Hashable {
    case sent
    /// To be tried again at that time.
    case again(at: Timestamp, reason: String)
    case failed(reason: String)
}

/// The messages that are due: who may send which, and what became of it.
///
/// An attempt is committed before the outside call. When its lease ends without a result nobody
/// knows whether the server took the message: it is counted and sent again with the same id.
struct MailQueue: Sendable {
    /// Rows looked at in one turn.
    static let batchLimit = 100

    let postgres: PostgresClient
    let outbox: Outbox
    let messages: NotificationMessages
    let rate: SendingRate
    let attemptLimit: Int

    // MARK: - Claiming

    struct Claim: Sendable {
        var jobs: [MailJob] = []
        /// Messages that will not go, to be refused.
        var suppressed: [DueRow] = []
        /// Whether every row that was looked at was due, so that there may be more.
        var isFull = false
        /// Whether messages got a place in the future: their client sends faster than it may.
        var hasPostponed = false
    }

    /// Leases at most `limit` due messages for `lease`, in one statement.
    func claim(_ limit: Int, lease: Duration, at now: Timestamp) async throws -> Claim {
        let claim = try await claim(limit, looking: limit, lease: lease, at: now)
        // A client that has used up its rate must not hide what others have waiting.
        guard claim.isFull, claim.hasPostponed, claim.jobs.count < limit else { return claim }
        var more = try await self.claim(
            limit - claim.jobs.count, looking: Self.batchLimit, lease: lease, at: now)
        more.jobs = claim.jobs + more.jobs
        more.suppressed += claim.suppressed
        return more
    }

    private func claim(
        _ limit: Int, looking count: Int, lease: Duration, at now: Timestamp
    ) async throws -> Claim {
        let rows: [DueRow] = try await postgres.query(
            Self.claiming(limit, of: count, until: now + lease, rate: rate, at: now))
        return Claim(
            jobs: rows.compactMap(\.job), suppressed: rows.filter(\.isSuppressed),
            isFull: rows.count == count, hasPostponed: rows.contains { $0.isPostponed })
    }

    /// Each due message gets its place in its client's sending rate; those whose place has come are
    /// begun, the others wait for it.
    private static func claiming(
        _ limit: Int, of count: Int, until leaseEnd: Timestamp, rate: SendingRate,
        at now: Timestamp
    ) -> SQL {
        """
        with due as (
            select n.client_id, n.notification_id, n.due_at, n.has_slot,
                exists (
                    select from suppression s
                    where s.client_id = n.client_id and s.address_hash = n.address_hash
                ) as is_suppressed
            from notification n
            where n.status = 'queued' and n.due_at <= \(now)
            order by n.due_at limit \(count) for update of n skip locked
        ), \(rate.placing(at: now)), chosen as (
            select client_id, notification_id, place, place <= \(now) and row_number() over (
                order by place > \(now), due_at, notification_id) <= \(limit) as is_ready
            from placed
        ), begun as (
            update notification n
            set status = 'sending', attempts = n.attempts + 1, lease_until = \(leaseEnd)
            from chosen c
            where c.is_ready and n.client_id = c.client_id
                and n.notification_id = c.notification_id
            returning n.*
        ), noted as (
            insert into notification_attempt (
                client_id, notification_id, attempt, status, started_at)
            select client_id, notification_id, attempts, 'sending', \(now) from begun
        ), postponed as (
            update notification n set due_at = c.place, has_slot = true
            from chosen c
            where not c.is_ready and n.client_id = c.client_id
                and n.notification_id = c.notification_id
        )
        select due.client_id, due.notification_id, due.is_suppressed,
            coalesce(c.place > \(now), false) as is_postponed, b.attempts, b.address,
            b.address_hash, b.subject, b.text_body, b.html_body, b.created_at, b.participant_id,
            b.channel, b.template_key, b.campaign_id, b.traceparent
        from due
        left join chosen c
            on c.client_id = due.client_id and c.notification_id = due.notification_id
        left join begun b
            on b.client_id = due.client_id and b.notification_id = due.notification_id
        """
    }

    /// Ends messages whose address was suppressed after they were asked for.
    func refuse(_ rows: [DueRow], at now: Timestamp) async throws {
        guard !rows.isEmpty else { return }
        try await postgres.withTransaction { transaction in
            let ended: [EndedRow] = try await transaction.query(
                """
                update notification n
                set status = 'failed', reason = 'suppressed', finished_at = \(now)
                from unnest(\(rows.map(\.clientID)), \(rows.map(\.id))) as r (client_id, id)
                where n.client_id = r.client_id and n.notification_id = r.id
                    and n.status = 'queued'
                returning \(EndedRow.columns)
                """)
            try await publish(ended, reason: "suppressed", at: now, in: transaction)
        }
    }

    /// Takes back messages whose lease ended without a result, so many at most. How many.
    func recover(at now: Timestamp) async throws -> Int {
        try await postgres.withTransaction { transaction in
            try await recover(at: now, in: transaction)
        }
    }

    private func recover(at now: Timestamp, in transaction: Transaction) async throws -> Int {
        let ended: [EndedRow] = try await transaction.query(
            """
            with lost as (
                select client_id, notification_id, attempts from notification
                where status = 'sending' and lease_until <= \(now)
                order by lease_until limit \(Self.batchLimit) for update skip locked
            ), noted as (
                update notification_attempt a
                set status = 'unknown', code = 'lease_ended', finished_at = \(now)
                from lost
                where a.client_id = lost.client_id
                and a.notification_id = lost.notification_id
                and a.attempt = lost.attempts and a.status = 'sending'
            )
            update notification n
            set lease_until = null, unknown_attempts = n.unknown_attempts + 1,
                reason = 'outcome_unknown', has_slot = false, due_at = \(now),
                status = case when n.attempts < \(attemptLimit) then 'queued' else 'failed' end,
                finished_at = case when n.attempts < \(attemptLimit) then null else \(now) end
            from lost
            where n.client_id = lost.client_id and n.notification_id = lost.notification_id
            returning \(EndedRow.columns)
            """)
        let failed = ended.filter { $0.status == .failed }
        try await publish(failed, reason: "outcome_unknown", at: now, in: transaction)
        return ended.count
    }

    private func publish(
        _ rows: [EndedRow], reason: String, at now: Timestamp, in transaction: Transaction
    ) async throws {
        try await outbox.append(
            rows.map { row in
                messages.ended(
                    row.change(reason: reason), of: row.clientID, campaign: row.campaignID,
                    traceparent: row.traceparent, at: now)
            }, in: transaction)
    }
}
