import Contracts
import HTTPKit
import Kernel
import ServiceKit

/// `GET /v1/portal/rewards`: the client's rewards, newest first.
struct ListRewards: Sendable {
    let rewards: RewardStore

    func respond(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Scope.rewards)
        let page = try request.query.page()
        let filter = RewardFilter(
            campaignID: try request.query.id("campaign_id"),
            participantID: try request.query.id("participant_id"),
            status: try request.query.choice("status"))
        let rows = try await rewards.list(
            filter, after: try request.query.cursor(), limit: page.limit + 1,
            of: principal.clientID)
        return .json(
            Page(rows: rows, limit: page.limit) { $0.summary.rewardID.description }
                .map { RewardAnswer(reward: $0, history: nil) })
    }
}
