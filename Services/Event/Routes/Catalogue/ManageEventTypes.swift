import Contracts
import HTTPKit
import Kernel
import PostgresKit
import ServiceKit

/// The routes by which a client reads the catalogue, adds types and says what becomes of unknown
/// ones.
struct ManageEventTypes: Sendable {
    /// What a portal credential that has scopes at all must have here.
    static let scope = "event_types"
    private static let maximumDescriptionLength = 500

    private struct NewType: Decodable {
        let name: String
        let description: String?
        let schema: JSONValue
    }

    private struct Change: Decodable {
        let description: String?
        let schema: JSONValue?
    }

    private struct Settings: Codable {
        let unknownEventTypes: UnknownEventTypes

        private enum CodingKeys: String, CodingKey {
            case unknownEventTypes = "unknown_event_types"
        }
    }

    let store: EventTypeStore
    let catalogues: CatalogueCache
    let context: ServiceContext

    /// `GET /v1/portal/event-types`: the catalogue's and the client's own, by name.
    func list(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        let page = try request.query.page()
        let own = try await store.list(of: principal.clientID)
        let all = (EventCatalogue.installed.entries + own).sorted { $0.name < $1.name }
        let rest = page.cursor.map { cursor in all.filter { $0.name > cursor } } ?? all
        return .json(Page(rows: rest, limit: page.limit, cursor: \.name))
    }

    /// `GET /v1/portal/event-types/{event_type}`
    func one(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        let name = try request.pathParameters.string("event_type")
        if let entry = EventCatalogue.installed.entries.first(where: { $0.name == name }) {
            return .json(entry)
        }
        guard let entry = try await store.find(name, of: principal.clientID) else {
            throw EventTypeFailure.unknown
        }
        return .json(entry)
    }

    /// `POST /v1/portal/event-types {name, description, schema}`
    func create(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        let new = try request.decode(NewType.self)
        do throws(EventRejection) {
            _ = try EventChecks.type(new.name, "name")
        } catch {
            throw Problem.invalid([error.field])
        }
        try Self.check(description: new.description)
        guard EventCatalogue.installed.schema(of: new.name) == nil else {
            throw EventTypeFailure.inCatalogue(new.name)
        }
        _ = try PropertySchema(ofProperties: new.schema)
        let now = context.world.clock.now()
        let entry = EventTypeEntry(
            name: new.name, source: .client, category: nil, description: new.description ?? "",
            schema: new.schema, createdAt: now, updatedAt: now)
        let key = try IdempotencyRequest(request, clientID: principal.clientID)
        let answer = try await context.idempotency.perform(key, in: context.postgres) {
            try await store.create(entry, of: principal.clientID, at: now, in: $0)
            return try .json(entry, status: 201)
        }
        catalogues.forget(principal.clientID)
        return answer.response
    }

    /// `PATCH /v1/portal/event-types/{event_type} {description, schema}`; what is left out stays.
    func update(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        let name = try Self.ownName(request)
        let change = try request.decode(Change.self)
        try Self.check(description: change.description)
        if let schema = change.schema { _ = try PropertySchema(ofProperties: schema) }
        let entry = try await store.update(
            name, description: change.description, schema: change.schema,
            of: principal.clientID, at: context.world.clock.now())
        catalogues.forget(principal.clientID)
        return .json(entry)
    }

    /// `DELETE /v1/portal/event-types/{event_type}`; events of that type are unknown ones then.
    func delete(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        let name = try Self.ownName(request)
        guard try await store.delete(name, of: principal.clientID) else {
            throw EventTypeFailure.unknown
        }
        catalogues.forget(principal.clientID)
        return .noContent
    }

    /// `GET /v1/portal/event-settings`
    func settings(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        return .json(
            Settings(unknownEventTypes: try await store.unknownTypes(of: principal.clientID)))
    }

    /// `PATCH /v1/portal/event-settings {unknown_event_types}`
    func change(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        let settings = try request.decode(Settings.self)
        try await store.set(
            settings.unknownEventTypes, of: principal.clientID, at: context.world.clock.now())
        catalogues.forget(principal.clientID)
        return .json(settings)
    }

    private static func ownName(_ request: HTTPRequest) throws -> String {
        let name = try request.pathParameters.string("event_type")
        guard EventCatalogue.installed.schema(of: name) == nil else {
            throw EventTypeFailure.inCatalogue(name)
        }
        return name
    }

    private static func check(description: String?) throws(Problem) {
        guard (description?.unicodeScalars.count ?? 0) <= maximumDescriptionLength else {
            throw .invalid([
                .init(
                    pointer: "/description", code: "invalid_value",
                    detail: "A description has at most \(maximumDescriptionLength) characters.")
            ])
        }
    }
}
