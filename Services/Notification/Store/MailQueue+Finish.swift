import Contracts
import Kernel
import MessagingKit
import PostgresKit

/// What an attempt came to, to be recorded.
struct MailFinish: Sendable {
    let job: MailJob
    let result: MailResult
    /// As the attempt's row says it.
    let status: String
    let code: String?
    let at: Timestamp
}

extension MailQueue {
    /// Records attempts in one statement, each with the message that tells of it. False for one
    /// that is void: its lease ended and another was begun.
    func finish(_ finishes: [MailFinish]) async throws -> [Bool] {
        defer { outbox.written() }
        let rows = try await postgres.query(try recording(finishes))
        var current: Set<NotificationID> = []
        for row in rows { current.insert(try row.get("notification_id")) }
        return finishes.map { current.contains($0.job.id) }
    }

    private func recording(_ finishes: [MailFinish]) throws -> SQL {
        let told = finishes.map(message)
        let (jobs, ends) = (finishes.map(\.job), finishes.map(\.result.end))
        let insertion = try Outbox.insertion(
            of: told.compactMap(\.self), wanted: "select message_id from finished")
        return """
            with result as (
                select * from unnest(
                    \(jobs.map(\.clientID)), \(jobs.map(\.id)), \(jobs.map(\.attempt)),
                    \(finishes.map(\.status))::text[], \(finishes.map(\.code))::text[],
                    \(finishes.map(\.at)), \(ends.map(\.status.rawValue))::text[],
                    \(ends.map(\.reason))::text[],
                    \(zip(ends, finishes).map { $0.due ?? $1.at }),
                    \(told.map { $0?.id })::text[]
                ) as r (
                    client_id, notification_id, attempt, result, code, at, status, reason,
                    due_at, message_id)
            ), noted as (
                update notification_attempt a
                set status = r.result, code = r.code, finished_at = r.at
                from result r
                where a.client_id = r.client_id and a.notification_id = r.notification_id
                    and a.attempt = r.attempt and a.status in ('sending', 'unknown')
            ), finished as (
                -- Also when the lease has ended, as long as nobody began another attempt.
                update notification n
                set status = r.status, reason = r.reason, due_at = r.due_at, lease_until = null,
                    has_slot = false,
                    finished_at = case r.status when 'queued' then null else r.at end,
                    unknown_attempts = n.unknown_attempts
                        + case r.result when 'unknown' then 1 else 0 end
                from result r
                where n.client_id = r.client_id and n.notification_id = r.notification_id
                    and n.attempts = r.attempt and n.status in ('sending', 'queued')
                returning n.notification_id, r.message_id
            ), told as (
                \(insertion)
            )
            select notification_id from finished
            """
    }

    /// Nil while the message is to be tried again.
    private func message(_ finish: MailFinish) -> LogMessage? {
        let (job, end) = (finish.job, finish.result.end)
        guard end.status != .queued else { return nil }
        return messages.ended(
            job.change.with(reason: end.reason), of: job.clientID, campaign: job.campaignID,
            traceparent: job.traceparent, at: finish.at)
    }
}

extension MailResult {
    /// Where it leaves the message; `due` is nil for at once.
    fileprivate var end: (status: NotificationStatus, reason: String?, due: Timestamp?) {
        switch self {
        case .sent: (.sent, nil, nil)
        case .again(let at, let reason): (.queued, reason, at)
        case .failed(let reason): (.failed, reason, nil)
        }
    }
}
