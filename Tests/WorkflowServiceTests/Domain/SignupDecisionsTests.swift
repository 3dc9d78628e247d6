import Contracts
import FoundationEssentials
import Kernel
import Testing

@testable import WorkflowService

@Suite struct SignupDecisionsTests {
    private let rewardID = RewardID(UUID())

    private func answer(
        _ status: RewardStatus, _ outcome: AllocateRewardResponse.Outcome = .allocated
    ) -> AllocateRewardResponse {
        AllocateRewardResponse(
            outcome: outcome,
            reward: RewardSummary(
                rewardID: rewardID, campaignID: CampaignID(UUID()), ruleID: "welcome",
                participantID: ParticipantID(UUID()), role: .participant, subject: "s",
                amount: .dollars(1), status: status),
            reason: nil)
    }

    @Test func `an approved reward is handed over unless the rule waits for somebody`() {
        let automatic = RewardRule.sample("welcome")
        let manual = RewardRule.sample("welcome", fulfilment: .manual)
        #expect(SignupDecisions.after(answer(.approved), of: automatic) == .fulfil(rewardID))
        #expect(
            SignupDecisions.after(answer(.approved, .existing), of: automatic) == .fulfil(rewardID))
        #expect(
            SignupDecisions.after(answer(.approved), of: manual)
                == .settled(
                    RuleResult(
                        ruleID: "welcome", outcome: "awaiting_fulfilment", rewardID: rewardID)))
    }

    @Test func `a reward that waits for approval or is fulfilled is left alone`() {
        let rule = RewardRule.sample("welcome")
        let outcomes = [RewardStatus.eligible, .fulfilled].map { status in
            SignupDecisions.after(answer(status), of: rule)
        }
        #expect(
            outcomes == [
                .settled(
                    RuleResult(
                        ruleID: "welcome", outcome: "awaiting_approval", rewardID: rewardID)),
                .settled(RuleResult(ruleID: "welcome", outcome: "fulfilled", rewardID: rewardID)),
            ])
    }

    @Test func `the outcome of a run is the best of its rules`() {
        let rewarded = RuleResult(ruleID: "a", outcome: "fulfilled", rewardID: rewardID)
        let refused = RuleResult(ruleID: "b", outcome: "refused", reason: "budget_exceeded")
        let skipped = RuleResult(ruleID: "c", outcome: "no_referrer")
        #expect(SignupDecisions.outcome(of: [refused, rewarded, skipped]) == .rewarded)
        #expect(SignupDecisions.outcome(of: [skipped, refused]) == .refused)
        #expect(SignupDecisions.outcome(of: [skipped]) == .nothingDue)
        #expect(SignupDecisions.outcome(of: []) == .nothingDue)
    }
}
