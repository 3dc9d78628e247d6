import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import ServiceKit

/// The routes of tenants: staff's, and a client's look at itself.
struct ManageClients: Sendable {
    /// Owner of the idempotency keys of staff, who act for the platform.
    static let platform = ClientID(UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)))

    let changes: ClientChanges
    let store: ClientStore
    let context: ServiceContext

    /// `GET /v1/admin/clients`
    func list(_ request: HTTPRequest, _ staff: StaffPrincipal) async throws -> HTTPResponse {
        let page = try request.query.page()
        let rows = try await store.list(after: try request.query.cursor(), limit: page.limit)
        return .json(Page(rows: rows, limit: page.limit) { $0.clientID.description })
    }

    /// `GET /v1/admin/clients/{client_id}`
    func one(_ request: HTTPRequest, _ staff: StaffPrincipal) async throws -> HTTPResponse {
        try await read(try request.pathParameters.client())
    }

    /// `GET /v1/portal/client`
    func own(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try await read(principal.clientID)
    }

    /// `POST /v1/admin/clients`
    func create(_ request: HTTPRequest, _ staff: StaffPrincipal) async throws -> HTTPResponse {
        let new = try request.decode(NewClient.self)
        try Self.check(new.problems)
        let now = context.world.clock.now()
        let client = Client(
            clientID: context.world.ids.next(), name: new.name, mode: new.mode ?? .live,
            createdAt: now, updatedAt: now)
        let key = try IdempotencyRequest(request, clientID: Self.platform)
        return try await changes.perform(key, status: 201) { transaction in
            try await store.insert(client, in: transaction)
            return Change(
                noun: client,
                news: (
                    try ClientMessages.of(client, type: ClientMessage.created),
                    client.entry(.createClient, by: staff, client.mode.rawValue, at: now)
                ))
        }.answer.response
    }

    /// `POST /v1/admin/clients/{client_id}/status`; answered once the log has the message.
    func changeStatus(
        _ request: HTTPRequest, _ staff: StaffPrincipal
    ) async throws -> HTTPResponse {
        let id = try request.pathParameters.client()
        let wanted = try request.decode(StatusRequest.self)
        try Self.check(wanted.problems)
        let now = context.world.clock.now()
        return try await change(request, id, ClientMessage.statusChanged) { old in
            let client = try old.with(status: wanted.status, at: now)
            let detail = "\(old.status.rawValue) to \(client.status.rawValue): \(wanted.reason)"
            return (client, client.entry(.changeStatus, by: staff, detail, at: now))
        }
    }

    /// `POST /v1/admin/clients/{client_id}/clock`; answered once the log has the message.
    func moveClock(_ request: HTTPRequest, _ staff: StaffPrincipal) async throws -> HTTPResponse {
        let id = try request.pathParameters.client()
        let wanted = try request.decode(ClockRequest.self)
        try Self.check(wanted.problems)
        let now = context.world.clock.now()
        return try await change(request, id, ClientMessage.settingsChanged) { old in
            let client = try old.with(clockOffsetMilliseconds: wanted.offsetMilliseconds, at: now)
            let detail = "\(wanted.offsetMilliseconds) ms ahead"
            return (client, client.entry(.moveClock, by: staff, detail, at: now))
        }
    }

    private func change(
        _ request: HTTPRequest, _ id: ClientID, _ messageType: String,
        _ decide: (Client) throws -> (Client, AuditEntry)
    ) async throws -> HTTPResponse {
        let key = try IdempotencyRequest(request, clientID: Self.platform)
        return try await changes.perform(key, awaited: \.messageID) { transaction in
            let old = try await store.lock(id, in: transaction)
            let (client, entry) = try decide(old)
            guard client != old else { return Change(noun: old, news: nil) }
            try await store.update(client, in: transaction)
            return Change(
                noun: client, news: (try ClientMessages.of(client, type: messageType), entry))
        }.answer.response
    }

    private func read(_ id: ClientID) async throws -> HTTPResponse {
        guard let client = try await store.find(id) else { throw ClientFailure.clientNotFound }
        return .json(client)
    }

    private static func check(_ problems: [Problem.FieldError]) throws(Problem) {
        guard problems.isEmpty else { throw .invalid(problems) }
    }
}

extension PathParameters {
    /// The client of the path. Throws the same for no id and for nobody's id.
    func client() throws(ClientFailure) -> ClientID {
        guard let id = self["client_id"].flatMap({ ClientID($0) }) else { throw .clientNotFound }
        return id
    }
}

extension Client {
    fileprivate func entry(
        _ action: AuditEntry.Action, by staff: StaffPrincipal, _ detail: String, at now: Timestamp
    ) -> AuditEntry {
        AuditEntry(
            clientID: clientID, actor: staff.actor, action: action,
            target: clientID.description, detail: detail, at: now)
    }
}
