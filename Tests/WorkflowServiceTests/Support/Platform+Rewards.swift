import Contracts
import Foundation
import HTTPKit
import Kernel
import Synchronization

/// Reward-service, as far as a run sees it.
extension Platform {
    func serveRewards(_ group: inout RouteGroup<Void>) {
        group.on(RewardContracts.checkEligibility) { input, request, _ in
            try self.admit(request)
            return self.decision(input)
        }
        group.on(RewardContracts.allocate) { input, request, _ in
            let key = try self.admit(request)
            return self.allocation(input, key: key)
        }
        group.on(RewardContracts.fulfil) { input, request, _ in
            try self.admit(request)
            return try self.fulfilment(input)
        }
    }

    /// Notes the call, unless the service is away or refuses. Gives its key.
    @discardableResult
    func admit(_ request: HTTPRequest) throws(Problem) -> String {
        let key = request.headers["Idempotency-Key"] ?? ""
        let call = Call(
            path: request.path, key: key, position: request.headers[LogPosition.headerName],
            traceID: request.context.trace.traceID)
        let problem = state.withLock { state -> Problem? in
            let path = request.path
            if state.awayPaths.contains(where: { path.hasSuffix($0) }) {
                return .unavailable("away", "Away.")
            }
            let refused = state.refusedPaths.first { path.hasSuffix($0.key) }
            if let problem = refused?.value { return problem }
            state.calls.append(call)
            return nil
        }
        if let problem { throw problem }
        return key
    }

    private func decision(_ input: CheckEligibilityRequest) -> EligibilityDecision {
        let isEligible = state.withLock { state in
            state.judgedEvents.append(input.event)
            return state.isEligible && !state.excluded.contains(input.participantID)
        }
        let check = EligibilityCheck(
            code: "campaign_rule", passed: isEligible, detail: "As the test says.")
        return EligibilityDecision(
            decisionID: "decision-\(input.participantID)", eligible: isEligible, checks: [check],
            campaignRevision: input.revision, decidedAt: SystemClock().now())
    }

    private func allocation(
        _ input: AllocateRewardRequest, key: String
    ) -> AllocateRewardResponse {
        state.withLock { state in
            state.allocations.append(input)
            if let reason = state.refusal ?? state.refusedRules[input.ruleID] {
                return AllocateRewardResponse(outcome: .refused, reward: nil, reason: reason)
            }
            if let known = state.answers[key] {
                return AllocateRewardResponse(outcome: .existing, reward: known, reason: nil)
            }
            let reward = RewardSummary(
                rewardID: RewardID(UUID()), campaignID: input.campaignID, ruleID: input.ruleID,
                participantID: input.participantID, role: input.role, subject: input.subject,
                amount: .dollars(2000), status: state.rewardStatus)
            state.answers[key] = reward
            return AllocateRewardResponse(outcome: .allocated, reward: reward, reason: nil)
        }
    }

    private func fulfilment(_ input: FulfilRewardRequest) throws(Problem) -> RewardSummary {
        let reward = state.withLock { state in
            state.answers.values.first { $0.rewardID == input.rewardID }
        }
        guard let reward else { throw .notFound("reward") }
        return RewardSummary(
            rewardID: reward.rewardID, campaignID: reward.campaignID, ruleID: reward.ruleID,
            participantID: reward.participantID, role: reward.role, subject: reward.subject,
            amount: reward.amount, status: .fulfilled)
    }
}
