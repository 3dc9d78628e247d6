import HTTPKit
import Kernel
import ServiceKit

/// `GET /v1/portal/budgets/{campaign_id}`: what a campaign may give, gave and holds back.
struct ReadBudget: Sendable {
    struct Answer: Encodable {
        let campaignID: CampaignID
        /// What the campaign says; less than `budget` when more is spent and reserved already.
        let requested: Amount
        /// What is in force.
        let budget: Amount
        let reserved: Amount
        let spent: Amount
        let available: Amount

        private enum CodingKeys: String, CodingKey {
            case requested, budget, reserved, spent, available
            case campaignID = "campaign_id"
        }
    }

    let ledger: LedgerStore

    func respond(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Scope.ledger)
        guard let id = CampaignID(try request.pathParameters.string("campaign_id")),
            let budget = try await ledger.budget(of: id, client: principal.clientID)
        else { throw Problem.notFound("campaign") }
        return .json(
            Answer(
                campaignID: id, requested: budget.requested, budget: budget.funded,
                reserved: budget.reserved, spent: budget.spent, available: budget.available))
    }
}
