import Contracts
import Kernel
import PostgresKit

/// What is told of a message whose sending ended.
struct EndedRow: RowDecodable {
    static let columns: SQL = """
        n.client_id, n.notification_id, n.participant_id, n.channel, n.template_key,
        n.campaign_id, n.traceparent, n.status
        """

    let clientID: ClientID
    let campaignID: CampaignID?
    let traceparent: String?
    let status: NotificationStatus
    private let base: NotificationChange

    init(row: Row) throws(PostgresError) {
        clientID = try row.get("client_id")
        campaignID = try row.get("campaign_id")
        traceparent = try row.get("traceparent")
        status = try row.get("status")
        base = try NotificationChange(row: row)
    }

    func change(reason: String?) -> NotificationChange { base.with(reason: reason) }
}

extension NotificationChange {
    fileprivate init(row: Row) throws(PostgresError) {
        self.init(
            notificationID: try row.get("notification_id"),
            participantID: try row.get("participant_id"), channel: try row.get("channel"),
            template: try row.get("template_key"), reason: nil)
    }

    func with(reason: String?) -> NotificationChange {
        NotificationChange(
            notificationID: notificationID, participantID: participantID, channel: channel,
            template: template, reason: reason)
    }
}

extension MailJob: RowDecodable {
    init(row: Row) throws(PostgresError) {
        self.init(
            clientID: try row.get("client_id"), id: try row.get("notification_id"),
            attempt: try row.get("attempts"), address: try row.get("address"),
            addressHash: try row.get("address_hash"),
            content: RenderedMessage(
                subject: try row.get("subject"), text: try row.get("text_body"),
                html: try row.get("html_body")),
            createdAt: try row.get("created_at"), change: try NotificationChange(row: row),
            campaignID: try row.get("campaign_id"), traceparent: try row.get("traceparent"))
    }
}

/// A message that was due, and what the look at it decided.
struct DueRow: RowDecodable {
    let clientID: ClientID
    let id: NotificationID
    let isSuppressed: Bool
    /// Whether it got a place in the future.
    let isPostponed: Bool
    /// Nil when it was not begun.
    let job: MailJob?

    init(row: Row) throws(PostgresError) {
        clientID = try row.get("client_id")
        id = try row.get("notification_id")
        isSuppressed = try row.get("is_suppressed")
        isPostponed = try row.get("is_postponed")
        let attempts: Int? = try row.get("attempts")
        job = attempts == nil ? nil : try MailJob(row: row)
    }
}
