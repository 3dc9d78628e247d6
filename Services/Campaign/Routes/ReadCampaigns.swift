import Contracts
import HTTPKit
import Kernel
import ServiceKit

/// The routes that only read.
struct ReadCampaigns: Sendable {
    let store: CampaignStore

    /// `GET /v1/portal/campaigns?status=`
    func list(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        let page = try request.query.page()
        let status = try request.query["status"].map { text throws(Problem) in
            guard let status = CampaignStatus(rawValue: text) else {
                throw .badRequest(
                    "invalid_status", "'\(text.prefix(50))' is no status of a campaign.",
                    pointer: "?status")
            }
            return status
        }
        let rows = try await store.list(of: principal.clientID, status: status, page: page)
        return .json(
            Page(rows: rows, limit: page.limit) { $0.definition.campaignID.description })
    }

    /// `GET /v1/portal/campaigns/{campaign_id}`
    func one(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        let id: CampaignID = try request.pathParameters.id("campaign_id")
        guard let campaign = try await store.find(id, of: principal.clientID) else {
            throw CampaignFailure.notFound
        }
        return .json(campaign, headers: ["ETag": "\"\(campaign.definition.revision)\""])
    }

    /// `GET /v1/portal/campaigns/{campaign_id}/revisions`
    func revisions(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        let id: CampaignID = try request.pathParameters.id("campaign_id")
        let page = try request.query.page()
        let rows = try await store.revisions(id, of: principal.clientID, page: page)
        guard !rows.isEmpty || page.cursor != nil else { throw CampaignFailure.notFound }
        return .json(Page(rows: rows, limit: page.limit) { String($0.definition.revision) })
    }

    /// `POST /internal/campaigns/get`
    func get(_ input: GetCampaignRequest) async throws -> CampaignDefinition {
        let campaign = try await store.find(
            input.campaignID, of: input.clientID, revision: input.revision)
        guard let campaign else { throw CampaignFailure.notFound }
        return campaign.definition
    }
}
