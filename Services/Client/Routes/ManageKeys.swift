import Contracts
import HTTPKit
import Kernel
import SecurityKit
import ServiceKit

/// The routes of API keys.
struct ManageKeys: Sendable {
    /// The scope that a credential with scopes needs here.
    static let scope = "keys"

    let changes: ClientChanges
    let clients: ClientStore
    let store: KeyStore
    let context: ServiceContext

    /// `GET /v1/portal/keys`
    func list(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        let page = try request.query.page()
        let rows = try await store.list(
            of: principal.clientID, after: try request.query.cursor(), limit: page.limit)
        return .json(Page(rows: rows, limit: page.limit) { $0.keyID.description })
    }

    /// `POST /v1/portal/keys`
    func create(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        let new = try Self.new(request)
        guard new.isWithin(principal.scopes) else { throw ClientFailure.scopeExceeded }
        let key = try IdempotencyRequest(request, clientID: principal.clientID)
        return try await create(new, of: principal.clientID, by: principal.actor.text, key)
    }

    /// `POST /v1/admin/clients/{client_id}/keys`
    func createAsStaff(
        _ request: HTTPRequest, _ staff: StaffPrincipal
    ) async throws -> HTTPResponse {
        let client = try request.pathParameters.client()
        let new = try Self.new(request)
        let key = try IdempotencyRequest(request, clientID: ManageClients.platform)
        return try await create(new, of: client, by: staff.actor, key)
    }

    /// `POST /v1/portal/keys/{key_id}/revoke`; answered once the log has the message. A second time
    /// changes nothing and makes sure of that again.
    func revoke(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        guard let id = request.pathParameters["key_id"].flatMap({ APIKeyID($0) }) else {
            throw ClientFailure.keyNotFound
        }
        let now = context.world.clock.now()
        let told = principal.businessClock(context.world).now()
        let key = try IdempotencyRequest(request, clientID: principal.clientID)
        return try await changes.perform(key, awaited: \APIKey.revocationMessageID) {
            transaction in
            let revoked = try await store.revoke(
                id, of: principal.clientID, at: now, in: transaction)
            guard revoked.isNews else { return Change(noun: revoked.key, news: nil) }
            return Change(
                noun: revoked.key,
                news: (
                    try ClientMessages.revoked(revoked.key, hash: revoked.hash, at: told),
                    revoked.key.entry(.revokeKey, by: principal.actor.text, at: now)
                ))
        }.answer.response
    }

    private static func new(_ request: HTTPRequest) throws(Problem) -> NewKey {
        let new = try request.decode(NewKey.self)
        guard new.problems.isEmpty else { throw .invalid(new.problems) }
        return new
    }

    /// Makes a key. Only the answer that goes out now carries the secret: what is stored for
    /// repeats, and all else that is stored, does not.
    private func create(
        _ new: NewKey, of clientID: ClientID, by actor: String, _ request: IdempotencyRequest?
    ) async throws -> HTTPResponse {
        let id = context.world.ids.next(APIKeyID.self)
        let now = context.world.clock.now()
        var secret: APIKeySecret?
        let (created, answer) = try await changes.perform(request, status: 201) { transaction in
            let client = try await clients.lock(clientID, in: transaction)
            guard client.status != .closed else { throw ClientFailure.closed }
            guard
                try await store.countInUse(of: clientID, in: transaction) < APIKey.maximumInUse
            else { throw ClientFailure.tooManyKeys(limit: APIKey.maximumInUse) }
            let fresh = secret ?? APIKeySecret.generate(kind: new.kind, mode: client.mode)
            secret = fresh
            let key = APIKey(
                keyID: id, clientID: clientID, kind: new.kind, mode: client.mode, name: new.name,
                hint: fresh.hint, origins: new.origins, scopes: new.scopes, createdBy: actor,
                createdAt: now, revokedAt: nil)
            try await store.insert(key, hash: fresh.hash, in: transaction)
            return Change(
                noun: CreatedKey(key, secret: nil),
                news: (
                    try ClientMessages.created(key, hash: fresh.hash, of: client),
                    key.entry(.createKey, by: actor, at: now)
                ))
        }
        // Ours although it looks like a repeat: the commit's answer was lost, and the store found
        // what it had committed.
        guard created.key.keyID == id, let text = secret?.text else { return answer.response }
        return .json(CreatedKey(created.key, secret: text), status: 201)
    }
}

extension APIKeySecret {
    /// In the words of the contracts.
    fileprivate static func generate(kind: APIKeyKind, mode: ClientMode) -> APIKeySecret {
        generate(
            kind: kind == APIKeyKind.secret ? Kind.secret : Kind.publishable,
            mode: mode == ClientMode.test ? Mode.test : Mode.live)
    }
}

extension APIKey {
    fileprivate func entry(
        _ action: AuditEntry.Action, by actor: String, at now: Timestamp
    ) -> AuditEntry {
        AuditEntry(
            clientID: clientID, actor: actor, action: action, target: keyID.description,
            detail: "\(kind.rawValue) key \(name), ends in \(hint)", at: now)
    }
}
