import Contracts
import HTTPKit
import Kernel
import ServiceKit

/// `POST /v1/portal/eligibility/check`: what would be decided now; keeps nothing.
struct PreviewEligibility: Sendable {
    struct Body: Decodable {
        let campaignID: CampaignID
        let participantID: ParticipantID
        let subject: String?
        let event: JSONValue?

        private enum CodingKeys: String, CodingKey {
            case subject, event
            case campaignID = "campaign_id"
            case participantID = "participant_id"
        }
    }

    let assessment: Assessment

    func respond(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Scope.rewards)
        let body = try request.decode(Body.self)
        if let subject = body.subject { try Subject.check(subject) }
        let question = AssessmentQuestion(
            clientID: principal.clientID, campaignID: body.campaignID, revision: nil,
            participantID: body.participantID, event: body.event ?? [:], position: nil)
        return .json(try await assessment.judge(question).decision)
    }
}
