import HTTPKit
import Kernel
import ServiceKit

/// `GET /v1/portal/referrals`: who brought whom, newest first.
struct ListReferrals: Sendable {
    let referrals: ReferralStore

    func respond(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Scope.referrals)
        let page = try request.query.page()
        let rows = try await referrals.list(
            referrer: try request.query.id("referrer_id"),
            participant: try request.query.id("participant_id"),
            after: try request.query.cursor(), limit: page.limit + 1, of: principal.clientID)
        return .json(
            Page(rows: rows, limit: page.limit) { $0.attributionID.description }
                .map(ReferralAnswer.init))
    }
}
