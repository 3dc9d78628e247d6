import Contracts
import HTTPKit
import Kernel
import ServiceKit

/// `GET /v1/sdk/campaigns/{campaign_id}`: what the client's pages may know of a campaign.
struct ReadPublicCampaign: Sendable {
    /// A page's key stands in the address, so that browsers may keep the answer.
    static let keys = KeyPlaces(query: ["key"])
    private static let caching = "public, max-age=60"

    let store: CampaignStore
    let world: World

    func respond(_ request: HTTPRequest, _ principal: SDKPrincipal) async throws -> HTTPResponse {
        let id: CampaignID = try request.pathParameters.id("campaign_id")
        guard let campaign = try await store.find(id, of: principal.clientID),
            let shown = PublicCampaign(
                campaign.definition, now: principal.businessClock(world).now())
        else { throw CampaignFailure.notFound }
        return .json(shown, headers: ["Cache-Control": Self.caching])
    }
}
