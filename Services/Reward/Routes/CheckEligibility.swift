import Contracts
import HTTPKit
import Kernel
import ServiceKit

/// `POST /internal/eligibility/check`: decides once per idempotency key and keeps the decision.
struct CheckEligibility: Sendable {
    let assessment: Assessment
    let decisions: DecisionStore
    let world: World

    func respond(
        _ input: CheckEligibilityRequest, _ request: HTTPRequest
    ) async throws -> EligibilityDecision {
        try Subject.check(input.subject)
        let question = AssessmentQuestion(
            clientID: input.clientID, campaignID: input.campaignID, revision: input.revision,
            participantID: input.participantID, event: input.event,
            position: request.headers[LogPosition.headerName])
        if input.dryRun { return try await assessment.judge(question).decision }
        let key = try IdempotencyRequest(required: request, clientID: input.clientID).key
        if let known = try await stored(key, input) { return known }
        let (decision, inputs) = try await assessment.judge(question)
        let new = NewDecision(
            id: world.ids.next(), clientID: input.clientID, campaignID: input.campaignID,
            participantID: input.participantID, subject: input.subject, decision: decision,
            inputs: inputs, requestKey: key)
        guard try await decisions.insert(new) else {
            // A twin was first; its decision counts.
            guard let known = try await stored(key, input) else {
                throw RewardFailure.changedMeanwhile
            }
            return known
        }
        world.faults.reach(RewardCrashPoint.checkAfterCommit)
        return EligibilityDecision(
            decisionID: new.id.description, eligible: decision.eligible, checks: decision.checks,
            campaignRevision: decision.campaignRevision, decidedAt: decision.decidedAt)
    }

    private func stored(
        _ key: String, _ input: CheckEligibilityRequest
    ) async throws -> EligibilityDecision? {
        guard let known = try await decisions.find(requestKey: key, of: input.clientID) else {
            return nil
        }
        guard known.campaignID == input.campaignID, known.subject == input.subject,
            known.participantID == input.participantID,
            known.decision.campaignRevision == input.revision
        else { throw RewardFailure.keyReused }
        return known.decision
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
