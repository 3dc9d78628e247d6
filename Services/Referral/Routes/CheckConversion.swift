import Contracts
import HTTPKit
import Kernel
import ServiceKit

/// `POST /internal/conversions/check`: decides once per idempotency key, books once per subject.
struct CheckConversion: Sendable {
    let booking: ConversionBooking
    let definitions: DefinitionCache

    func respond(
        _ input: CheckConversionRequest, _ request: HTTPRequest
    ) async throws -> ConversionDecision {
        try Subject.check(input.subject)
        let campaign = try await definitions.definition(
            input.campaignID, revision: input.revision, of: input.clientID)
        let window = campaign.attributionWindowSeconds
        if input.dryRun { return try await booking.preview(input, windowSeconds: window).0 }
        let key = try IdempotencyRequest(required: request, clientID: input.clientID).key
        return try await booking.decide(input, windowSeconds: window, key: key)
    }
}

extension CampaignDefinition {
    /// From the first touch to what still counts.
    var attributionWindowSeconds: Int {
        referral?.attributionWindowSeconds ?? ReferralPolicy.defaultAttributionWindowSeconds
    }
}
