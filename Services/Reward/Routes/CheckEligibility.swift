import Contracts
import HTTPKit
import Kernel
import ServiceKit

/// `POST /internal/eligibility/check`: decides once per idempotency key and keeps the decision.
struct CheckEligibility: Sendable {
    let assessment: Assessment
    let definitions: DefinitionCache
    let checking: Checking

    func respond(
        _ input: CheckEligibilityRequest, _ request: HTTPRequest
    ) async throws -> EligibilityDecision {
        try Subject.check(input.subject)
        let position = request.headers[LogPosition.headerName]
        if input.dryRun {
            let question = AssessmentQuestion(
                clientID: input.clientID, campaignID: input.campaignID, revision: input.revision,
                participantID: input.participantID, event: input.event, position: position)
            return try await assessment.judge(question).decision
        }
        let key = try IdempotencyRequest(required: request, clientID: input.clientID).key
        let campaign = try await definitions.definition(
            input.campaignID, revision: input.revision, of: input.clientID)
        return try await checking.decide(
            CheckCall(
                campaign: campaign, participantID: input.participantID, subject: input.subject,
                event: input.event, position: position, requestKey: key))
    }
}

/// What was achieved, as callers write it.
enum Subject {
    static let maximumLength = 200

    /// Throws 400 for a subject that cannot be kept.
    static func check(_ subject: String) throws(Problem) {
        guard (1...maximumLength).contains(subject.unicodeScalars.count),
            !subject.utf8.contains(0)
        else {
            throw .invalid([
                .init(
                    pointer: "/subject", code: "invalid_value",
                    detail: "Use 1 to \(maximumLength) characters.")
            ])
        }
    }
}
