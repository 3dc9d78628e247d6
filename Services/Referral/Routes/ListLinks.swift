import HTTPKit
import Kernel
import ServiceKit

/// `GET /v1/portal/links`: the client's links, newest first.
struct ListLinks: Sendable {
    let links: LinkStore
    let publicURL: String

    func respond(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Scope.referrals)
        let page = try request.query.page()
        let filter = LinkFilter(
            campaignID: try request.query.id("campaign_id"),
            participantID: try request.query.id("participant_id"))
        let rows = try await links.list(
            filter, after: try request.query.cursor(), limit: page.limit + 1,
            of: principal.clientID)
        return .json(
            Page(rows: rows, limit: page.limit) { $0.linkID.description }
                .map { LinkAnswer(link: $0, publicURL: publicURL) })
    }
}
