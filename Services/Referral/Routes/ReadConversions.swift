import HTTPKit
import Kernel
import ServiceKit

/// `GET /v1/portal/conversions`, newest first, and `GET /v1/portal/conversions/{conversion_id}`.
struct ReadConversions: Sendable {
    let conversions: ConversionStore

    func list(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Scope.referrals)
        let page = try request.query.page()
        let rows = try await conversions.list(
            campaign: try request.query.id("campaign_id"),
            referrer: try request.query.id("referrer_id"),
            after: try request.query.cursor(), limit: page.limit + 1, of: principal.clientID)
        return .json(
            Page(rows: rows, limit: page.limit) { $0.conversionID.description }
                .map(ConversionAnswer.init))
    }

    func read(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Scope.referrals)
        guard let id = ConversionID(try request.pathParameters.string("conversion_id")),
            let found = try await conversions.find(id, of: principal.clientID)
        else { throw ReferralFailure.conversionUnknown }
        return .json(ConversionAnswer(conversion: found))
    }
}
