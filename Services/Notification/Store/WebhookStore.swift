import Kernel
import PostgresKit

/// Webhooks of clients and their deliveries. Every function takes the client.
struct WebhookStore: Sendable {
    /// How long an old secret signs beside the new one.
    static let rotationPeriod: Duration = .seconds(24 * 3600)

    let postgres: PostgresClient

    // MARK: - Webhooks

    func list(of client: ClientID, after: WebhookID?, limit: Int) async throws -> [Webhook] {
        try await postgres.query(
            """
            \(Self.select) where client_id = \(client)
            and (\(after)::uuid is null or webhook_id > \(after)::uuid)
            order by webhook_id limit \(limit + 1)
            """)
    }

    func find(_ id: WebhookID, of client: ClientID) async throws -> Webhook? {
        try await postgres.queryOne(
            "\(Self.select) where client_id = \(client) and webhook_id = \(id)")
    }

    func create(
        _ webhook: Webhook, sealedSecret: [UInt8], of client: ClientID, in transaction: Transaction
    ) async throws {
        let row = try await transaction.queryOne(
            "select count(*) as count from webhook where client_id = \(client)")
        guard try row?.get("count") ?? 0 < WebhookRules.maximumPerClient else {
            throw NotificationFailure.tooManyWebhooks
        }
        try await transaction.execute(
            """
            insert into webhook (
                client_id, webhook_id, url, types, status, secret, created_at, updated_at)
            values (
                \(client), \(webhook.webhookID), \(webhook.url), \(webhook.types)::text[],
                \(webhook.status.rawValue), \(sealedSecret), \(webhook.createdAt),
                \(webhook.updatedAt))
            """)
    }

    /// Puts a new secret in force; the one before signs too for a day.
    func rotate(
        _ id: WebhookID, sealedSecret: [UInt8], of client: ClientID, at now: Timestamp,
        in transaction: Transaction
    ) async throws -> Webhook {
        let webhook: Webhook? = try await transaction.queryOne(
            """
            update webhook
            set previous_secret = secret, previous_until = \(now + Self.rotationPeriod),
                secret = \(sealedSecret), updated_at = \(now)
            where client_id = \(client) and webhook_id = \(id)
            returning \(Self.columns)
            """)
        guard let webhook else { throw NotificationFailure.webhookUnknown }
        return webhook
    }

    /// Switches a webhook on or off; what waits for it stays.
    func set(
        _ status: WebhookStatus, _ id: WebhookID, of client: ClientID, at now: Timestamp,
        in transaction: Transaction
    ) async throws -> Webhook {
        let webhook: Webhook? = try await transaction.queryOne(
            """
            update webhook set status = \(status.rawValue), reason = null, updated_at = \(now)
            where client_id = \(client) and webhook_id = \(id)
            returning \(Self.columns)
            """)
        guard let webhook else { throw NotificationFailure.webhookUnknown }
        return webhook
    }

    /// Deletes a webhook with its deliveries. Whether it was there.
    func delete(_ id: WebhookID, of client: ClientID) async throws -> Bool {
        try await postgres.execute(
            "delete from webhook where client_id = \(client) and webhook_id = \(id)") == 1
    }

    // MARK: - Deliveries

    /// Newest first, one more than `limit` when there are more.
    func deliveries(
        of webhook: WebhookID, status: DeliveryStatus?, before: WebhookDeliveryID?, limit: Int,
        client: ClientID
    ) async throws -> [WebhookDelivery] {
        try await postgres.query(
            """
            \(Self.selectDelivery)
            where client_id = \(client) and webhook_id = \(webhook)
            and (\(status?.rawValue)::text is null or status = \(status?.rawValue)::text)
            and (\(before)::uuid is null or delivery_id < \(before)::uuid)
            order by delivery_id desc limit \(limit + 1)
            """)
    }

    func delivery(
        _ id: WebhookDeliveryID, of webhook: WebhookID, client: ClientID
    ) async throws -> (delivery: WebhookDelivery, attempts: [AttemptRecord])? {
        let delivery: WebhookDelivery? = try await postgres.queryOne(
            """
            \(Self.selectDelivery) where client_id = \(client) and webhook_id = \(webhook)
            and delivery_id = \(id)
            """)
        guard let delivery else { return nil }
        let attempts: [AttemptRecord] = try await postgres.query(
            """
            select attempt, status, code, started_at, finished_at from webhook_attempt
            where client_id = \(client) and delivery_id = \(id) order by attempt desc limit 100
            """)
        return (delivery, attempts.reversed())
    }

    /// Makes a delivery due now, with the whole schedule before it. The id stays.
    func replay(
        _ id: WebhookDeliveryID, of webhook: WebhookID, client: ClientID, at now: Timestamp,
        in transaction: Transaction
    ) async throws -> WebhookDelivery {
        let row = try await transaction.queryOne(
            """
            select d.status, w.status as webhook_status from webhook_delivery d
            join webhook w on w.client_id = d.client_id and w.webhook_id = d.webhook_id
            where d.client_id = \(client) and d.webhook_id = \(webhook)
            and d.delivery_id = \(id) for update of d
            """)
        guard let row else { throw NotificationFailure.deliveryUnknown }
        let (status, owner): (DeliveryStatus, WebhookStatus) = (
            try row.get("status"), try row.get("webhook_status")
        )
        guard owner == .enabled else { throw NotificationFailure.webhookDisabled }
        guard status != .sending else { throw NotificationFailure.deliveryUnderWay }
        let replayed: WebhookDelivery? = try await transaction.queryOne(
            """
            update webhook_delivery
            set status = 'pending', due_at = \(now), round_attempts = 0, finished_at = null
            where client_id = \(client) and delivery_id = \(id)
            returning \(Self.deliveryColumns)
            """)
        guard let replayed else { throw NotificationFailure.deliveryUnknown }
        return replayed
    }

    /// Deletes what was finished before. How many.
    func deleteDeliveries(
        finishedBefore limit: Timestamp, atMost batch: Int
    ) async throws(PostgresError) -> Int {
        try await postgres.execute(
            """
            delete from webhook_delivery d using (
                select client_id, delivery_id from webhook_delivery
                where status in ('delivered', 'failed') and finished_at < \(limit)
                order by finished_at limit \(batch) for update skip locked
            ) old
            where d.client_id = old.client_id and d.delivery_id = old.delivery_id
            """)
    }

    private static let columns: SQL =
        "webhook_id, url, types, status, reason, created_at, updated_at"
    private static let select: SQL = "select \(columns) from webhook"

    private static let deliveryColumns: SQL = """
        delivery_id, webhook_id, event_id, type, status, attempts, unknown_attempts, last_code,
        created_at, due_at, finished_at
        """
    private static let selectDelivery: SQL = "select \(deliveryColumns) from webhook_delivery"
}

extension Webhook: RowDecodable {
    init(row: Row) throws(PostgresError) {
        self.init(
            webhookID: try row.get("webhook_id"), url: try row.get("url"),
            types: try row.get("types"), status: try row.get("status"),
            reason: try row.get("reason"), createdAt: try row.get("created_at"),
            updatedAt: try row.get("updated_at"), secret: nil)
    }
}

extension WebhookDelivery: RowDecodable {
    init(row: Row) throws(PostgresError) {
        let status: DeliveryStatus = try row.get("status")
        self.init(
            deliveryID: try row.get("delivery_id"), webhookID: try row.get("webhook_id"),
            eventID: try row.get("event_id"), type: try row.get("type"), status: status,
            attempts: try row.get("attempts"), unknownAttempts: try row.get("unknown_attempts"),
            lastCode: try row.get("last_code"), createdAt: try row.get("created_at"),
            dueAt: status == .pending ? try row.get("due_at") : nil,
            finishedAt: try row.get("finished_at"))
    }
}
