import Contracts
import Kernel
import PostgresKit

/// What a list of messages is narrowed to.
struct NotificationFilter: Sendable {
    var participantID: ParticipantID?
    var campaignID: CampaignID?
    var status: NotificationStatus?
}

/// Messages to people, as they are asked for and looked at. Every function takes the client.
struct NotificationStore: Sendable {
    let postgres: PostgresClient

    /// The message that was asked for with a key, and what with.
    func find(
        requestKey key: String, of client: ClientID
    ) async throws -> (response: SendNotificationResponse, fingerprint: [UInt8])? {
        try await postgres.queryOne(
            """
            select notification_id, status, reason, fingerprint, address_hash from notification
            where client_id = \(client) and request_key = \(key)
            """
        ).map { row in
            let status: NotificationStatus = try row.get("status")
            return (
                SendNotificationResponse(
                    notificationID: try row.get("notification_id"),
                    outcome: status == .refused ? .refused : .queued,
                    reason: status == .refused ? try row.get("reason") : nil),
                try row.get("fingerprint")
            )
        }
    }

    /// Stores a message; refused when its address is suppressed. Nil when a twin was first.
    func insert(
        _ new: NewNotification, in transaction: Transaction
    ) async throws -> NewNotification? {
        var new = new
        if let mail = new.mail,
            try await isSuppressed(mail.hash, of: new.clientID, in: transaction)
        {
            new = new.refused("suppressed")
        }
        let status: NotificationStatus = new.mail == nil ? .refused : .queued
        let request = new.request
        let inserted = try await transaction.execute(
            """
            insert into notification (
                client_id, notification_id, request_key, fingerprint, campaign_id, run_id,
                participant_id, channel, template_key, template_version, status, reason, address,
                address_hash, subject, text_body, html_body, traceparent, due_at, created_at,
                finished_at)
            values (
                \(new.clientID), \(new.id), \(new.requestKey), \(new.fingerprint),
                \(request.campaignID), \(request.runID), \(request.participantID),
                \(request.channel.rawValue), \(request.template), \(new.templateVersion),
                \(status.rawValue), \(new.reason), \(new.mail?.address.description),
                \(new.mail?.hash), \(new.mail?.content.subject), \(new.mail?.content.text),
                \(new.mail?.content.html), \(new.traceparent), \(new.at), \(new.at),
                \(status == .refused ? new.at : nil))
            on conflict (client_id, request_key) do nothing
            """)
        return inserted == 1 ? new : nil
    }

    private func isSuppressed(
        _ hash: [UInt8], of client: ClientID, in transaction: Transaction
    ) async throws -> Bool {
        try await !transaction.query(
            """
            select 1 from suppression where client_id = \(client) and address_hash = \(hash)
            """
        ).isEmpty
    }

    /// Newest first, one more than `limit` when there are more.
    func list(
        _ filter: NotificationFilter, after: NotificationID?, limit: Int, of client: ClientID
    ) async throws -> [NotificationRecord] {
        var sql: SQL = "\(Self.select) where client_id = \(client)"
        if let participant = filter.participantID {
            sql += " and participant_id = \(participant)"
        }
        if let campaign = filter.campaignID { sql += " and campaign_id = \(campaign)" }
        if let status = filter.status { sql += " and status = \(status.rawValue)" }
        if let after { sql += " and notification_id < \(after)" }
        return try await postgres.query(
            sql + " order by notification_id desc limit \(limit)")
    }

    func find(
        _ id: NotificationID, of client: ClientID
    ) async throws -> (record: NotificationRecord, attempts: [AttemptRecord])? {
        let record: NotificationRecord? = try await postgres.queryOne(
            "\(Self.select) where client_id = \(client) and notification_id = \(id)")
        guard let record else { return nil }
        let attempts: [AttemptRecord] = try await postgres.query(
            """
            select attempt, status, code, started_at, finished_at from notification_attempt
            where client_id = \(client) and notification_id = \(id) order by attempt
            """)
        return (record, attempts)
    }

    /// Empties what is people's data of messages that were finished before. How many.
    func emptyContent(
        finishedBefore limit: Timestamp, atMost batch: Int
    ) async throws(PostgresError) -> Int {
        try await postgres.execute(
            """
            update notification n
            set address = null, subject = null, text_body = null, html_body = null
            from (
                select client_id, notification_id from notification
                where status in ('sent', 'failed', 'refused') and text_body is not null
                and finished_at < \(limit)
                order by finished_at limit \(batch) for update skip locked
            ) old
            where n.client_id = old.client_id and n.notification_id = old.notification_id
            """)
    }

    private static let select: SQL = """
        select notification_id, campaign_id, run_id, participant_id, channel, template_key,
            template_version, status, reason, attempts, unknown_attempts, created_at, finished_at,
            address, subject, text_body, html_body
        from notification
        """
}

extension NotificationRecord: RowDecodable {
    init(row: Row) throws(PostgresError) {
        var content: RenderedMessage?
        if let subject: String = try row.get("subject"), let text: String = try row.get("text_body")
        {
            content = RenderedMessage(
                subject: subject, text: text, html: try row.get("html_body"))
        }
        self.init(
            id: try row.get("notification_id"), campaignID: try row.get("campaign_id"),
            runID: try row.get("run_id"), participantID: try row.get("participant_id"),
            channel: try row.get("channel"), template: try row.get("template_key"),
            templateVersion: try row.get("template_version"), status: try row.get("status"),
            reason: try row.get("reason"), attempts: try row.get("attempts"),
            unknownAttempts: try row.get("unknown_attempts"),
            createdAt: try row.get("created_at"), finishedAt: try row.get("finished_at"),
            address: try row.get("address"), content: content)
    }
}

extension AttemptRecord: RowDecodable {
    init(row: Row) throws(PostgresError) {
        self.init(
            attempt: try row.get("attempt"), status: try row.get("status"),
            code: try row.get("code"), startedAt: try row.get("started_at"),
            finishedAt: try row.get("finished_at"))
    }
}
