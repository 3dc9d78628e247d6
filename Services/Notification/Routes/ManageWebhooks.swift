import HTTPKit
import Kernel
import MessagingKit
import PostgresKit
import SecurityKit
import ServiceKit

/// The routes of webhooks and their deliveries.
struct ManageWebhooks: Sendable {
    private struct NewWebhook: Decodable {
        let url: String
        let types: [String]
    }

    private struct DeliveryAnswer: Encodable {
        let delivery: WebhookDelivery
        let attempts: [AttemptRecord]
    }

    let store: WebhookStore
    let secrets: NotificationSecrets
    let allowsHTTP: Bool
    let wake: WakeSignal
    let context: ServiceContext

    // MARK: - Webhooks

    /// `GET /v1/portal/webhooks`
    func list(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Scope.webhooks)
        let page = try request.query.page()
        let rows = try await store.list(
            of: principal.clientID, after: try request.query.cursor(), limit: page.limit)
        return .json(Page(rows: rows, limit: page.limit) { $0.webhookID.description })
    }

    /// `GET /v1/portal/webhooks/{webhook_id}`
    func one(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Scope.webhooks)
        guard let webhook = try await store.find(Self.id(request), of: principal.clientID) else {
            throw NotificationFailure.webhookUnknown
        }
        return .json(webhook)
    }

    /// `POST /v1/portal/webhooks {url, types}`; the answer has the secret, no other has
    func create(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Scope.webhooks)
        let new = try request.decode(NewWebhook.self)
        let problems = problems(of: new)
        guard problems.isEmpty else { throw Problem.invalid(problems) }
        let now = context.world.clock.now()
        let webhook = Webhook(
            webhookID: context.world.ids.next(), url: new.url, types: new.types,
            status: .enabled, reason: nil, createdAt: now, updatedAt: now, secret: nil)
        return try await perform(request, principal, status: 201) { secret, transaction in
            try await store.create(
                webhook,
                sealedSecret: try secret.sealed(for: webhook.webhookID, key: secrets.webhookKey),
                of: principal.clientID, in: transaction)
            return webhook
        }
    }

    /// `POST /v1/portal/webhooks/{webhook_id}/rotate-secret`; the old one signs too for a day
    func rotate(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Scope.webhooks)
        let id = try Self.id(request)
        let now = context.world.clock.now()
        return try await perform(request, principal, status: 200) { secret, transaction in
            try await store.rotate(
                id, sealedSecret: try secret.sealed(for: id, key: secrets.webhookKey),
                of: principal.clientID, at: now, in: transaction)
        }
    }

    /// `POST /v1/portal/webhooks/{webhook_id}/enable` and `…/disable`
    func set(
        _ status: WebhookStatus, _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Scope.webhooks)
        let id = try Self.id(request)
        let now = context.world.clock.now()
        let webhook = try await context.postgres.withTransaction { transaction in
            try await store.set(status, id, of: principal.clientID, at: now, in: transaction)
        }
        wake.raise()
        return .json(webhook)
    }

    /// `DELETE /v1/portal/webhooks/{webhook_id}`, with its deliveries
    func delete(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Scope.webhooks)
        guard try await store.delete(Self.id(request), of: principal.clientID) else {
            throw NotificationFailure.webhookUnknown
        }
        return .noContent
    }

    /// Makes a new secret. Only the answer that goes out now carries it: what is stored for
    /// repeats, and all else that is stored, does not.
    private func perform(
        _ request: HTTPRequest, _ principal: PortalPrincipal, status: Int,
        _ change: (WebhookSecret, Transaction) async throws -> Webhook
    ) async throws -> HTTPResponse {
        let secret = WebhookSecret.generate()
        let key = try IdempotencyRequest(request, clientID: principal.clientID)
        let answer = try await context.idempotency.perform(key, in: context.postgres) {
            transaction in
            try .json(try await change(secret, transaction), status: status)
        }
        guard !answer.isReplay else { return answer.response }
        var webhook = try answer.stored.decode(Webhook.self)
        webhook.secret = secret.text
        return .json(webhook, status: status, headers: ["Cache-Control": "no-store"])
    }

    private func problems(of new: NewWebhook) -> [Problem.FieldError] {
        var problems: [Problem.FieldError] = []
        if let detail = WebhookRules.problem(url: new.url, allowsHTTP: allowsHTTP) {
            problems.append(.init(pointer: "/url", code: "invalid_value", detail: detail))
        }
        if !(1...WebhookRules.maximumTypes).contains(new.types.count) {
            problems.append(
                .init(
                    pointer: "/types", code: "invalid_value",
                    detail: "Send 1 to \(WebhookRules.maximumTypes) types."))
        }
        for (index, type) in new.types.enumerated() where !WebhookRules.isType(type) {
            problems.append(
                .init(
                    pointer: "/types/\(index)", code: "invalid_value",
                    detail: "Use a message's type, such as reward.fulfilled, a family, such as "
                        + "reward.*, or *."))
        }
        return Array(problems.prefix(20))
    }

    // MARK: - Deliveries

    /// `GET /v1/portal/webhooks/{webhook_id}/deliveries?status=`, newest first
    func deliveries(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Scope.webhooks)
        let page = try request.query.page()
        let id = try Self.id(request)
        guard try await store.find(id, of: principal.clientID) != nil else {
            throw NotificationFailure.webhookUnknown
        }
        let rows = try await store.deliveries(
            of: id, status: try request.query.choice("status"),
            before: try request.query.cursor(), limit: page.limit, client: principal.clientID)
        return .json(Page(rows: rows, limit: page.limit) { $0.deliveryID.description })
    }

    /// `GET /v1/portal/webhooks/{webhook_id}/deliveries/{delivery_id}`
    func delivery(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Scope.webhooks)
        let found = try await store.delivery(
            try Self.deliveryID(request), of: try Self.id(request), client: principal.clientID)
        guard let found else { throw NotificationFailure.deliveryUnknown }
        return .json(DeliveryAnswer(delivery: found.delivery, attempts: found.attempts))
    }

    /// `POST /v1/portal/webhooks/{webhook_id}/deliveries/{delivery_id}/replay`
    func replay(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Scope.webhooks)
        let (id, delivery) = (try Self.id(request), try Self.deliveryID(request))
        let key = try IdempotencyRequest(request, clientID: principal.clientID)
        let now = context.world.clock.now()
        let answer = try await context.idempotency.perform(key, in: context.postgres) {
            transaction in
            let replayed = try await store.replay(
                delivery, of: id, client: principal.clientID, at: now, in: transaction)
            return try .json(replayed, status: 202)
        }
        wake.raise()
        return answer.response
    }

    private static func id(_ request: HTTPRequest) throws -> WebhookID {
        guard let id = request.pathParameters["webhook_id"].flatMap({ WebhookID($0) }) else {
            throw NotificationFailure.webhookUnknown
        }
        return id
    }

    private static func deliveryID(_ request: HTTPRequest) throws -> WebhookDeliveryID {
        guard
            let id = request.pathParameters["delivery_id"].flatMap({ WebhookDeliveryID($0) })
        else { throw NotificationFailure.deliveryUnknown }
        return id
    }
}
