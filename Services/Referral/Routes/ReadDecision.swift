import Contracts
import HTTPKit
import Kernel
import ServiceKit

/// `GET /v1/portal/conversions/decisions/{decision_id}`: a decision with all that led to it.
struct ReadDecision: Sendable {
    struct Answer: Encodable {
        let stored: StoredDecision

        private enum CodingKeys: String, CodingKey {
            case kind, subject, outcome, reason, checks, inputs
            case decisionID = "decision_id"
            case campaignID = "campaign_id"
            case campaignRevision = "campaign_revision"
            case participantID = "participant_id"
            case conversionID = "conversion_id"
            case referrerID = "referrer_id"
            case linkID = "link_id"
            case ruleVersion = "rule_version"
            case decidedAt = "decided_at"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(stored.decisionID, forKey: .decisionID)
            try container.encode(stored.campaignID, forKey: .campaignID)
            try container.encode(stored.campaignRevision, forKey: .campaignRevision)
            try container.encode(stored.kind, forKey: .kind)
            try container.encode(stored.participantID, forKey: .participantID)
            try container.encode(stored.subject, forKey: .subject)
            try container.encode(stored.outcome, forKey: .outcome)
            try container.encode(stored.reason, forKey: .reason)
            try container.encode(stored.conversionID, forKey: .conversionID)
            try container.encode(stored.referrerID, forKey: .referrerID)
            try container.encode(stored.linkID, forKey: .linkID)
            try container.encode(stored.checks, forKey: .checks)
            try container.encode(stored.ruleVersion, forKey: .ruleVersion)
            try container.encode(stored.inputs, forKey: .inputs)
            try container.encode(stored.decidedAt, forKey: .decidedAt)
        }
    }

    let decisions: DecisionStore

    func respond(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Scope.referrals)
        guard let id = ConversionDecisionID(try request.pathParameters.string("decision_id")),
            let stored = try await decisions.find(id, of: principal.clientID)
        else { throw ReferralFailure.decisionUnknown }
        return .json(Answer(stored: stored))
    }
}
