import Contracts
import HTTPKit
import Kernel
import PostgresKit
import ServiceKit

/// Why a change of secrets is refused.
enum EventSecretFailure: Error, Sendable {
    case unknown
    case tooMany
}

extension EventSecretFailure: ProblemConvertible {
    var problem: Problem {
        switch self {
        case .unknown: .notFound("event secret")
        case .tooMany:
            .conflict(
                "too_many_event_secrets",
                "A client has at most \(EventSecretStore.maximumPerClient) event secrets.")
        }
    }
}

/// The routes by which a client makes, rotates and drops the secrets that sign its events.
struct ManageEventSecrets: Sendable {
    /// What a portal credential that has scopes at all must have here: the one for keys.
    static let scope = "keys"
    private static let standardRotation = 86_400
    private static let longestRotation = 30 * 86_400

    private struct Rotation: Decodable {
        let keepPreviousSeconds: Int?

        private enum CodingKeys: String, CodingKey {
            case keepPreviousSeconds = "keep_previous_seconds"
        }
    }

    let store: EventSecretStore
    let catalogues: CatalogueCache
    let clientService: PeerClient
    let context: ServiceContext

    /// `GET /v1/portal/event-secrets`
    func list(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        return .json(Page(data: try await store.list(of: principal.clientID), nextCursor: nil))
    }

    /// `POST /v1/portal/event-secrets/{secret_scope}/rotate {keep_previous_seconds}`: makes a
    /// secret, or another one. Shown in this answer only.
    func rotate(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        let scope = try Self.scope(of: request)
        let seconds =
            try request.decode(Rotation.self).keepPreviousSeconds ?? Self.standardRotation
        guard (0...Self.longestRotation).contains(seconds) else {
            throw Problem.invalid([
                .init(
                    pointer: "/keep_previous_seconds", code: "invalid_value",
                    detail: "Use 0 to \(Self.longestRotation) seconds.")
            ])
        }
        if case .key(let id) = scope {
            let found = try await clientService.call(
                ClientContracts.findKey, FindKeyRequest(clientID: principal.clientID, keyID: id))
            guard found.isInUse else { throw EventSecretFailure.unknown }
        }
        let text = EventSecretKeys.generate()
        let now = context.world.clock.now()
        let key = try IdempotencyRequest(request, clientID: principal.clientID)
        let answer = try await context.idempotency.perform(key, in: context.postgres) {
            try .json(
                try await store.rotate(
                    scope, to: text, previousUntil: now + .seconds(seconds),
                    of: principal.clientID, at: now, in: $0))
        }
        catalogues.forget(principal.clientID)
        // What is stored for repeats has no secret.
        guard !answer.isReplay else { return answer.response }
        var secret = try answer.stored.decode(EventSecret.self)
        secret.secret = text
        return .json(secret, headers: ["Cache-Control": "no-store"])
    }

    /// `DELETE /v1/portal/event-secrets/{secret_scope}`: the key's requests need no signature any
    /// more, or user tokens count no more.
    func delete(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        guard try await store.delete(Self.scope(of: request), of: principal.clientID) else {
            throw EventSecretFailure.unknown
        }
        catalogues.forget(principal.clientID)
        return .noContent
    }

    private static func scope(of request: HTTPRequest) throws -> EventSecretScope {
        let text = try request.pathParameters.string("secret_scope")
        guard let scope = EventSecretScope(text) else { throw EventSecretFailure.unknown }
        return scope
    }
}
