import Contracts
import HTTPKit
import Kernel
import ServiceKit

/// `GET /v1/portal/eligibility/decisions/{decision_id}`: a decision with all that led to it.
struct ReadDecision: Sendable {
    struct Answer: Encodable {
        let decisionID: String?
        let campaignID: CampaignID
        let campaignRevision: Int
        let participantID: ParticipantID
        let subject: String
        let eligible: Bool
        let checks: [EligibilityCheck]
        let inputs: JSONValue
        let decidedAt: Timestamp

        private enum CodingKeys: String, CodingKey {
            case subject, eligible, checks, inputs
            case decisionID = "decision_id"
            case campaignID = "campaign_id"
            case campaignRevision = "campaign_revision"
            case participantID = "participant_id"
            case decidedAt = "decided_at"
        }
    }

    let decisions: DecisionStore

    func respond(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Scope.rewards)
        guard let id = DecisionID(try request.pathParameters.string("decision_id")),
            let stored = try await decisions.find(id, of: principal.clientID)
        else { throw RewardFailure.decisionUnknown }
        return .json(
            Answer(
                decisionID: stored.decision.decisionID, campaignID: stored.campaignID,
                campaignRevision: stored.decision.campaignRevision,
                participantID: stored.participantID, subject: stored.subject,
                eligible: stored.decision.eligible, checks: stored.decision.checks,
                inputs: stored.inputs, decidedAt: stored.decision.decidedAt))
    }
}
