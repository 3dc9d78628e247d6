import HTTPKit
import Kernel
import PostgresKit
import ServiceKit

/// The routes by which a client has a person forgotten.
struct ManageErasures: Sendable {
    /// What a portal credential that has scopes at all must have here.
    static let scope = "privacy"
    private static let maximumAnonymousIDs = 100

    private struct Order: Decodable {
        let participantID: String?
        let anonymousIDs: [String]?

        private enum CodingKeys: String, CodingKey {
            case participantID = "participant_id"
            case anonymousIDs = "anonymous_ids"
        }
    }

    let store: ErasureStore
    let shards: ShardMap
    let context: ServiceContext

    /// `POST /v1/portal/erasures {participant_id, anonymous_ids}`
    func create(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        let person = try Self.person(try request.decode(Order.self))
        let key = try IdempotencyRequest(request, clientID: principal.clientID)
        let (id, now): (ErasureID, _) = (context.world.ids.next(), context.world.clock.now())
        let answer = try await context.idempotency.perform(key, in: context.postgres) {
            try .json(
                try await store.create(
                    id, of: person, client: principal.clientID,
                    shard: shards.shard(of: principal.clientID), at: now, in: $0), status: 202)
        }
        return answer.response
    }

    /// `GET /v1/portal/erasures`
    func list(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        let page = try request.query.page()
        let rows = try await store.list(
            of: principal.clientID, after: try request.query.cursor(), limit: page.limit)
        return .json(Page(rows: rows, limit: page.limit) { $0.erasureID.description })
    }

    /// `GET /v1/portal/erasures/{erasure_id}`
    func one(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        guard let id = request.pathParameters["erasure_id"].flatMap({ ErasureID($0) }),
            let erasure = try await store.find(id, of: principal.clientID)
        else { throw Problem.notFound("erasure") }
        return .json(erasure)
    }

    private static func person(_ order: Order) throws(Problem) -> ErasedPerson {
        let anonymousIDs = order.anonymousIDs ?? []
        guard order.participantID != nil || !anonymousIDs.isEmpty else {
            throw .invalid([
                .init(
                    pointer: "/participant_id", code: "required",
                    detail: "Say who is to be erased: 'participant_id', 'anonymous_ids' or both.")
            ])
        }
        guard anonymousIDs.count <= maximumAnonymousIDs else {
            throw .invalid([
                .init(
                    pointer: "/anonymous_ids", code: "too_many",
                    detail: "Send at most \(maximumAnonymousIDs) at a time.")
            ])
        }
        if let id = order.participantID { try check(id, "/participant_id") }
        for (index, id) in anonymousIDs.enumerated() { try check(id, "/anonymous_ids/\(index)") }
        return ErasedPerson(externalID: order.participantID, anonymousIDs: Set(anonymousIDs))
    }

    private static func check(_ id: String, _ pointer: String) throws(Problem) {
        guard (1...IncomingEvent.maximumIDLength).contains(id.count), !id.utf8.contains(0) else {
            throw .invalid([
                .init(
                    pointer: pointer, code: "invalid_value",
                    detail: "An id has 1 to \(IncomingEvent.maximumIDLength) characters.")
            ])
        }
    }
}
