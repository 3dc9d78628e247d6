import Contracts
import HTTPKit
import Kernel
import PostgresKit
import SecurityKit
import ServiceKit

/// The routes by which a client manages where webhooks come in.
struct ManageWebhookSources: Sendable {
    /// What a portal credential that has scopes at all must have here.
    static let scope = "webhooks"
    private static let maximumNameLength = 200
    private static let standardRotation = 86_400
    private static let longestRotation = 30 * 86_400

    private struct NewSource: Decodable {
        let kind: WebhookKind
        let name: String
        let secret: String?
        let settings: JSONValue?
    }

    private struct Change: Decodable {
        let name: String?
        let settings: JSONValue?
    }

    private struct Rotation: Decodable {
        let secret: String?
        let keepPreviousSeconds: Int?

        private enum CodingKeys: String, CodingKey {
            case secret
            case keepPreviousSeconds = "keep_previous_seconds"
        }
    }

    let store: WebhookSourceStore
    let sealing: SealingKey
    let publicURL: String
    let context: ServiceContext

    /// `GET /v1/portal/webhook-sources`
    func list(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        let page = try request.query.page()
        let rows = try await store.list(
            of: principal.clientID, after: try request.query.cursor(), limit: page.limit)
        return .json(
            Page(rows: rows, limit: page.limit) { $0.sourceID.description }.map(addressed))
    }

    /// `GET /v1/portal/webhook-sources/{source_id}`
    func one(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        return .json(addressed(try await source(request, principal)))
    }

    /// `GET /v1/portal/webhook-sources/{source_id}/notes`
    func notes(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        let source = try await source(request, principal)
        let notes = try await store.notes(of: source.sourceID, client: principal.clientID)
        return .json(Page(data: notes, nextCursor: nil))
    }

    /// `POST /v1/portal/webhook-sources {kind, name, secret, settings}`
    func create(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        let new = try request.decode(NewSource.self)
        try Self.check(name: new.name)
        let settings = try WebhookSettings.read(new.settings, kind: new.kind)
        let secret = try Self.secret(new.secret, settings)
        let now = context.world.clock.now()
        let source = WebhookSource(
            sourceID: context.world.ids.next(), name: new.name, status: .enabled,
            settings: settings, createdAt: now, updatedAt: now)
        let sealed = try sealing.seal(Array(secret.utf8), for: source.sourceID.uuid)
        return try await perform(
            request, principal, status: 201, shown: new.secret == nil ? secret : nil
        ) { transaction in
            try await store.create(
                source, sealedSecret: sealed, mode: principal.mode, of: principal.clientID,
                in: transaction)
            return source
        }
    }

    /// `PATCH /v1/portal/webhook-sources/{source_id} {name, settings}`; what is left out stays
    func update(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        let id = try Self.id(request)
        let change = try request.decode(Change.self)
        if let name = change.name { try Self.check(name: name) }
        let now = context.world.clock.now()
        let source = try await context.postgres.withTransaction { transaction in
            let old = try await store.lock(id, of: principal.clientID, in: transaction)
            let settings =
                try change.settings.map { try WebhookSettings.read($0, kind: old.kind) }
                ?? old.settings
            guard settings.scheme == old.settings.scheme else {
                throw WebhookFailure.signatureChanged
            }
            return try await store.update(
                id, name: change.name ?? old.name, settings: settings, of: principal.clientID,
                at: now, in: transaction)
        }
        return .json(addressed(source))
    }

    /// `POST /v1/portal/webhook-sources/{source_id}/rotate-secret {secret, keep_previous_seconds}`
    func rotate(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        let rotation = try request.decode(Rotation.self)
        let seconds = rotation.keepPreviousSeconds ?? Self.standardRotation
        guard (0...Self.longestRotation).contains(seconds) else {
            throw Problem.invalid([
                .init(
                    pointer: "/keep_previous_seconds", code: "invalid_value",
                    detail: "Use 0 to \(Self.longestRotation) seconds.")
            ])
        }
        let source = try await source(request, principal)
        let secret = try Self.secret(rotation.secret, source.settings)
        let sealed = try sealing.seal(Array(secret.utf8), for: source.sourceID.uuid)
        let now = context.world.clock.now()
        return try await perform(
            request, principal, status: 200, shown: rotation.secret == nil ? secret : nil
        ) { transaction in
            try await store.rotate(
                source.sourceID, sealedSecret: sealed, previousUntil: now + .seconds(seconds),
                of: principal.clientID, at: now, in: transaction)
        }
    }

    /// `POST /v1/portal/webhook-sources/{source_id}/enable` and `…/disable`
    func set(
        _ status: WebhookSourceStatus, _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        let id = try Self.id(request)
        let now = context.world.clock.now()
        let source = try await context.postgres.withTransaction { transaction in
            try await store.set(status, id, of: principal.clientID, at: now, in: transaction)
        }
        return .json(addressed(source))
    }

    /// `DELETE /v1/portal/webhook-sources/{source_id}`, with its notes and for good
    func delete(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        guard try await store.delete(Self.id(request), of: principal.clientID) else {
            throw WebhookFailure.sourceUnknown
        }
        return .noContent
    }

    // MARK: - Parts

    /// Only the answer that goes out now carries a secret that was made here: what is stored for
    /// repeats does not.
    private func perform(
        _ request: HTTPRequest, _ principal: PortalPrincipal, status: Int, shown secret: String?,
        _ change: (Transaction) async throws -> WebhookSource
    ) async throws -> HTTPResponse {
        let key = try IdempotencyRequest(request, clientID: principal.clientID)
        let answer = try await context.idempotency.perform(key, in: context.postgres) {
            try .json(addressed(try await change($0)), status: status)
        }
        guard !answer.isReplay, let secret else { return answer.response }
        var source = try answer.stored.decode(WebhookSource.self)
        source.secret = secret
        return .json(source, status: status, headers: ["Cache-Control": "no-store"])
    }

    private func source(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> WebhookSource {
        guard let source = try await store.find(Self.id(request), of: principal.clientID) else {
            throw WebhookFailure.sourceUnknown
        }
        return source
    }

    private func addressed(_ source: WebhookSource) -> WebhookSource {
        var source = source
        source.url = "\(publicURL)/v1/hooks/\(source.sourceID)"
        return source
    }

    static func id(_ request: HTTPRequest) throws(WebhookFailure) -> WebhookSourceID {
        guard let id = request.pathParameters["source_id"].flatMap({ WebhookSourceID($0) }) else {
            throw .sourceUnknown
        }
        return id
    }

    private static func check(name: String) throws(Problem) {
        guard (1...maximumNameLength).contains(name.unicodeScalars.count),
            !name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
        else {
            throw .invalid([
                .init(
                    pointer: "/name", code: "invalid_value",
                    detail: "A name has 1 to \(maximumNameLength) characters.")
            ])
        }
    }

    /// The given secret, or a new one where the sender takes it from us.
    private static func secret(
        _ given: String?, _ settings: WebhookSettings
    ) throws(Problem) -> String {
        guard let given else {
            guard let made = WebhookSourceSecret.generate(settings) else {
                throw .invalid([
                    .init(
                        pointer: "/secret", code: "required",
                        detail: "Give the secret with which the sender signs.")
                ])
            }
            return made
        }
        if let problem = WebhookSourceSecret.problem(given, settings) {
            throw .invalid([.init(pointer: "/secret", code: "invalid_value", detail: problem)])
        }
        return given
    }
}
