import Contracts
import HTTPKit
import Kernel
import ServiceKit

/// `POST /v1/portal/conversions/check`: what would be decided now; keeps nothing.
struct PreviewConversion: Sendable {
    struct Body: Decodable {
        let campaignID: CampaignID
        let kind: ConversionKind
        let participantID: ParticipantID
        let subject: String?
        let occurredAt: Timestamp?
        let value: Amount?

        private enum CodingKeys: String, CodingKey {
            case kind, subject, value
            case campaignID = "campaign_id"
            case participantID = "participant_id"
            case occurredAt = "occurred_at"
        }
    }

    struct Answer: Encodable {
        let decision: ConversionDecision
        let reason: String?

        private enum CodingKeys: String, CodingKey {
            case outcome, reason, checks
            case conversionID = "conversion_id"
            case referrerID = "referrer_id"
            case linkID = "link_id"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(decision.outcome, forKey: .outcome)
            try container.encode(reason, forKey: .reason)
            try container.encode(decision.conversionID, forKey: .conversionID)
            try container.encode(decision.referrerID, forKey: .referrerID)
            try container.encode(decision.linkID, forKey: .linkID)
            try container.encode(decision.checks, forKey: .checks)
        }
    }

    let booking: ConversionBooking
    let campaigns: CampaignStore
    let definitions: DefinitionCache
    let world: World

    func respond(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Scope.referrals)
        let body = try request.decode(Body.self)
        // Who signs up is what a sign-up achieves.
        let subject = body.subject ?? body.participantID.description
        try Subject.check(subject)
        let client = principal.clientID
        guard let standing = try await campaigns.standing(body.campaignID, of: client) else {
            throw ReferralFailure.campaignUnknown
        }
        let campaign = try await definitions.definition(
            body.campaignID, revision: standing.revision, of: client)
        let question = CheckConversionRequest(
            clientID: client, campaignID: body.campaignID, revision: standing.revision,
            kind: body.kind, participantID: body.participantID, subject: subject,
            occurredAt: body.occurredAt ?? principal.businessClock(world).now(),
            value: body.value, runID: nil, dryRun: true)
        let (decision, reason) = try await booking.preview(
            question, windowSeconds: campaign.attributionWindowSeconds)
        return .json(Answer(decision: decision, reason: reason))
    }
}
