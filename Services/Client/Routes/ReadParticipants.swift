import Contracts
import HTTPKit
import Kernel
import SecurityKit
import ServiceKit

/// The routes of participants' profiles, for the portal.
struct ReadParticipants: Sendable {
    /// The scope that a credential with scopes needs here.
    static let scope = "participants"

    let store: ParticipantStore

    /// `GET /v1/portal/participants?external_id=`
    func list(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        let page = try request.query.page()
        if let externalID = request.query["external_id"] {
            let id = ParticipantID.derived(client: principal.clientID, externalID: externalID)
            let found = try await store.find(id, of: principal.clientID)
            return .json(Page(data: found.map { [$0] } ?? [], nextCursor: nil))
        }
        let rows = try await store.list(
            of: principal.clientID, after: try request.query.cursor(), limit: page.limit)
        return .json(Page(rows: rows, limit: page.limit) { $0.participantID.description })
    }

    /// `GET /v1/portal/participants/{participant_id}`
    func one(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        guard let id = request.pathParameters["participant_id"].flatMap({ ParticipantID($0) }),
            let profile = try await store.find(id, of: principal.clientID)
        else { throw ClientFailure.participantNotFound }
        return .json(profile)
    }
}
