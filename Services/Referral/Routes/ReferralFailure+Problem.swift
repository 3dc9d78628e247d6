import HTTPKit
import Kernel

/// The one place where failures of this service become answers.
extension ReferralFailure: ProblemConvertible {
    var problem: Problem {
        switch self {
        case .campaignUnknown:
            Problem(
                status: 404, code: "campaign_unknown",
                detail: "There is no such campaign, or not in that revision.")
        case .linksNotOffered:
            .unprocessable("links_not_offered", "The campaign gives out no referral links.")
        case .campaignNotActive:
            .conflict("campaign_not_active", "The campaign is not running: no new links.")
        case .linkUnknown:
            Problem(status: 404, code: "link_unknown", detail: "There is no such referral link.")
        case .destinationNotAllowed:
            .badRequest(
                "destination_not_allowed",
                "Use an https address on a host that the campaign allows.", pointer: "?to")
        case .conversionUnknown: .notFound("conversion")
        case .decisionUnknown: .notFound("decision")
        case .keyReused:
            .unprocessable(
                "idempotency_key_reused",
                "This Idempotency-Key was used for another request. Use a new key for a new one.")
        case .codesExhausted: .internalError
        }
    }
}
