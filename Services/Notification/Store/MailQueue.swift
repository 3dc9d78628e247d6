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
    private static let batchLimit = 100

    let postgres: PostgresClient
    let outbox: Outbox
    let messages: NotificationMessages
    let rate: SendingRate
    let attemptLimit: Int

    // MARK: - Claiming

    struct Claim: Sendable {
        var jobs: [MailJob] = []
        /// Attempts whose outcome will never be known.
        var lost = 0
        /// Whether any row was touched, so that there may be more.
        var isBusy = false
    }

    /// Leases at most `limit` due messages for `lease`.
    func claim(_ limit: Int, lease: Duration, at now: Timestamp) async throws -> Claim {
        try await postgres.withTransaction { transaction in
            var claim = Claim()
            claim.lost = try await recover(at: now, in: transaction)
            let due = try await transaction.query(
                """
                select n.client_id, n.notification_id, n.has_slot,
                    s.address_hash is not null as is_suppressed
                from notification n
                left join suppression s
                    on s.client_id = n.client_id and s.address_hash = n.address_hash
                where n.status = 'queued' and n.due_at <= \(now)
                order by n.due_at limit \(Self.batchLimit) for update of n skip locked
                """, as: DueRow.self)
            let suppressed = due.filter(\.isSuppressed)
            if !suppressed.isEmpty { try await refuse(suppressed, at: now, in: transaction) }
            let slots = try await rate.slots(
                for: due.filter { !$0.isSuppressed }, at: now, in: transaction)
            let ready = slots.filter { $0.at <= now }
            try await postpone(
                slots.filter { $0.at > now } + ready.dropFirst(limit), in: transaction)
            claim.jobs = try await begin(
                ready.prefix(limit).map(\.row), until: now + lease, at: now, in: transaction)
            claim.isBusy = claim.lost + due.count > 0 && ready.count <= limit
            return claim
        }
    }

    private func begin(
        _ rows: [DueRow], until leaseEnd: Timestamp, at now: Timestamp, in transaction: Transaction
    ) async throws -> [MailJob] {
        guard !rows.isEmpty else { return [] }
        return try await transaction.query(
            """
            with begun as (
                update notification n
                set status = 'sending', attempts = n.attempts + 1, lease_until = \(leaseEnd)
                from unnest(\(rows.map(\.clientID)), \(rows.map(\.id))) as r (client_id, id)
                where n.client_id = r.client_id and n.notification_id = r.id
                returning n.*
            ), noted as (
                insert into notification_attempt (
                    client_id, notification_id, attempt, status, started_at)
                select client_id, notification_id, attempts, 'sending', \(now) from begun
            )
            select client_id, notification_id, attempts, address, address_hash, subject,
                text_body, html_body, created_at, participant_id, channel, template_key,
                campaign_id, traceparent
            from begun
            """)
    }

    private func postpone(
        _ slots: [SendingRate.Slot], in transaction: Transaction
    ) async throws {
        guard !slots.isEmpty else { return }
        _ = try await transaction.execute(
            """
            update notification n set due_at = r.at, has_slot = true
            from unnest(
                \(slots.map(\.row.clientID)), \(slots.map(\.row.id)), \(slots.map(\.at))
            ) as r (client_id, id, at)
            where n.client_id = r.client_id and n.notification_id = r.id
            """)
    }

    private func refuse(
        _ rows: [DueRow], at now: Timestamp, in transaction: Transaction
    ) async throws {
        let ended: [EndedRow] = try await transaction.query(
            """
            update notification n
            set status = 'failed', reason = 'suppressed', finished_at = \(now)
            from unnest(\(rows.map(\.clientID)), \(rows.map(\.id))) as r (client_id, id)
            where n.client_id = r.client_id and n.notification_id = r.id
            returning \(EndedRow.columns)
            """)
        try await publish(ended, reason: "suppressed", at: now, in: transaction)
    }

    /// Takes back messages whose lease ended without a result. How many.
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

    // MARK: - Recording

    /// Records an attempt. False when it is void: its lease ended and another was begun.
    func finish(
        _ job: MailJob, _ result: MailResult, attempt status: String, code: String?,
        at now: Timestamp
    ) async throws -> Bool {
        let isUnknown = status == "unknown"
        let (next, reason, due): (NotificationStatus, String?, Timestamp) =
            switch result {
            case .sent: (.sent, nil, now)
            case .again(let at, let reason): (.queued, reason, at)
            case .failed(let reason): (.failed, reason, now)
            }
        return try await postgres.withTransaction { transaction in
            _ = try await transaction.execute(
                """
                update notification_attempt
                set status = \(status), code = \(code), finished_at = \(now)
                where client_id = \(job.clientID) and notification_id = \(job.id)
                and attempt = \(job.attempt) and status in ('sending', 'unknown')
                """)
            // Also when the lease has ended, as long as nobody began another attempt.
            let updated = try await transaction.execute(
                """
                update notification
                set status = \(next.rawValue), reason = \(reason), due_at = \(due),
                    lease_until = null, has_slot = false,
                    unknown_attempts = unknown_attempts + \(isUnknown ? 1 : 0),
                    finished_at = \(next == .queued ? nil : now)
                where client_id = \(job.clientID) and notification_id = \(job.id)
                and attempts = \(job.attempt) and status in ('sending', 'queued')
                """)
            guard updated == 1 else { return false }
            if next != .queued {
                let message = messages.ended(
                    job.change.with(reason: reason), of: job.clientID, campaign: job.campaignID,
                    traceparent: job.traceparent, at: now)
                try await outbox.append([message], in: transaction)
            }
            return true
        }
    }
}

/// A message that is due.
struct DueRow: RowDecodable {
    let clientID: ClientID
    let id: NotificationID
    let hasSlot: Bool
    let isSuppressed: Bool

    init(row: Row) throws(PostgresError) {
        clientID = try row.get("client_id")
        id = try row.get("notification_id")
        hasSlot = try row.get("has_slot")
        isSuppressed = try row.get("is_suppressed")
    }
}
