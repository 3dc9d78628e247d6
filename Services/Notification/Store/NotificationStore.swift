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

    /// What became of a message that was to be stored.
    enum Storing: Sendable, Hashable {
        case stored
        /// Its address is suppressed; nothing was stored.
        case suppressed
        /// Another message has its key.
        case taken
    }

    /// Queues messages that have mail, in one round trip. What became of each, in their order.
    func queue(_ new: [NewNotification]) async throws -> [Storing] {
        let rows = try await postgres.query(Self.queueing(new))
        var outcomes: [NotificationID: Storing] = [:]
        for row in rows {
            let isSuppressed: Bool = try row.get("is_suppressed")
            outcomes[try row.get("notification_id")] = isSuppressed ? .suppressed : .stored
        }
        return new.map { outcomes[$0.id] ?? .taken }
    }

    private static func queueing(_ new: [NewNotification]) -> SQL {
        let requests = new.map(\.request)
        let mails = new.map(\.mail)
        return """
            with new as (
                select * from unnest(
                    \(new.map(\.clientID)), \(new.map(\.id)), \(new.map(\.requestKey))::text[],
                    \(new.map(\.fingerprint)), \(requests.map(\.campaignID))::uuid[],
                    \(requests.map(\.runID))::uuid[], \(requests.map(\.participantID)),
                    \(requests.map(\.channel.rawValue))::text[],
                    \(requests.map(\.template))::text[], \(new.map(\.templateVersion))::bigint[],
                    \(mails.map { $0?.address.description })::text[], \(mails.map { $0?.hash }),
                    \(mails.map { $0?.content.subject })::text[],
                    \(mails.map { $0?.content.text })::text[],
                    \(mails.map { $0?.content.html })::text[],
                    \(new.map(\.traceparent))::text[], \(new.map(\.at))
                ) as r (
                    client_id, notification_id, request_key, fingerprint, campaign_id, run_id,
                    participant_id, channel, template_key, template_version, address,
                    address_hash, subject, text_body, html_body, traceparent, at)
            ), suppressed as (
                select new.notification_id from new
                join suppression s
                    on s.client_id = new.client_id and s.address_hash = new.address_hash
            ), stored as (
                insert into notification (
                    client_id, notification_id, request_key, fingerprint, campaign_id, run_id,
                    participant_id, channel, template_key, template_version, status, address,
                    address_hash, subject, text_body, html_body, traceparent, due_at, created_at)
                select client_id, notification_id, request_key, fingerprint, campaign_id, run_id,
                    participant_id, channel, template_key, template_version, 'queued', address,
                    address_hash, subject, text_body, html_body, traceparent, at, at
                from new
                where notification_id not in (select notification_id from suppressed)
                on conflict (client_id, request_key) do nothing
                returning notification_id
            )
            select notification_id, false as is_suppressed from stored
            union all select notification_id, true from suppressed
            """
    }

    /// Stores a refusal. False when another message has its key.
    func insert(refused new: NewNotification, in transaction: Transaction) async throws -> Bool {
        let request = new.request
        let inserted = try await transaction.execute(
            """
            insert into notification (
                client_id, notification_id, request_key, fingerprint, campaign_id, run_id,
                participant_id, channel, template_key, template_version, status, reason,
                traceparent, due_at, created_at, finished_at)
            values (
                \(new.clientID), \(new.id), \(new.requestKey), \(new.fingerprint),
                \(request.campaignID), \(request.runID), \(request.participantID),
                \(request.channel.rawValue), \(request.template), \(new.templateVersion),
                'refused', \(new.reason), \(new.traceparent), \(new.at), \(new.at), \(new.at))
            on conflict (client_id, request_key) do nothing
            """)
        return inserted == 1
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
