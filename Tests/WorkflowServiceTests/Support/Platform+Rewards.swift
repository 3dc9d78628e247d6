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
        group.on(RewardContracts.grant) { input, request, _ in
            let key = try self.admit(request)
            return GrantRewardsResponse(
                results: input.grants.map { self.grant($0, input, key: key) })
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

    /// Reserves, and hands over what needs no approval.
    private func grant(
        _ grant: GrantedRule, _ input: GrantRewardsRequest, key: String
    ) -> AllocateRewardResponse {
        let answer = allocation(
            AllocateRewardRequest(
                clientID: input.clientID, campaignID: input.campaignID, revision: input.revision,
                ruleID: grant.ruleID, participantID: grant.participantID, role: grant.role,
                subject: input.subject, decisionID: grant.decisionID, runID: input.runID),
            key: "\(key):\(grant.ruleID)")
        guard let reward = answer.reward, reward.status == .approved,
            state.withLock({ $0.handsOverWithGrant })
        else { return answer }
        return AllocateRewardResponse(
            outcome: answer.outcome, reward: reward.in(.fulfilled), reason: answer.reason)
    }

    private func fulfilment(_ input: FulfilRewardRequest) throws(Problem) -> RewardSummary {
        let reward = state.withLock { state in
            state.answers.values.first { $0.rewardID == input.rewardID }
        }
        guard let reward else { throw .notFound("reward") }
        return reward.in(.fulfilled)
    }
}

extension RewardSummary {
    /// The same reward somewhere else in its life.
    fileprivate func `in`(_ status: RewardStatus) -> RewardSummary {
        RewardSummary(
            rewardID: rewardID, campaignID: campaignID, ruleID: ruleID,
            participantID: participantID, role: role, subject: subject, amount: amount,
            status: status)
    }
}
