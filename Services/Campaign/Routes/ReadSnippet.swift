import Contracts
import HTTPKit
import Kernel
import SecurityKit
import ServiceKit

/// `GET /v1/portal/campaigns/{campaign_id}/snippet?key=`: the code for the client's pages.
struct ReadSnippet: Sendable {
    struct Answer: Sendable, Encodable {
        let html: String
    }

    let store: CampaignStore
    /// The gateway's address as browsers see it.
    let publicURL: String

    func respond(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse
    {
        let id: CampaignID = try request.pathParameters.id("campaign_id")
        let key = try request.query["key"].map(Self.publishable) ?? PageSnippet.keyPlaceholder
        guard try await store.find(id, of: principal.clientID) != nil else {
            throw CampaignFailure.notFound
        }
        return .json(
            Answer(html: PageSnippet(publicURL: publicURL, campaignID: id, key: key).html))
    }

    /// Anyone who sees a page sees its key, so a secret one is refused.
    private static func publishable(_ text: String) throws(Problem) -> String {
        guard let key = APIKeySecret(parsing: text), key.kind == .publishable else {
            throw .badRequest(
                "invalid_key", "Use a publishable key, which begins with gv_pk_ or gv_test_pk_.",
                pointer: "?key")
        }
        return key.text
    }
}
