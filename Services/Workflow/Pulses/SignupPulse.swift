import Contracts
import DurableKit
import Kernel

/// Somebody signed up: who may take part gets what the campaign promises.
///
/// Configuration → eligibility → for each reward rule allocation, then fulfilment. Every effect is
/// a call with a key of run and step, so that a repeat is the same call.
struct SignupPulse: Workflow {
    static let name = "signup"

    let peers: PulsePeers
    let effects: PulseEffects

    func run(_ context: WorkflowContext, _ input: PulseInput) async throws -> PulseResult {
        let rules = try await context.step("configuration", retry: effects.retry) { _ in
            try await peers.rewardRules(input)
        }
        let judged = try await effects.perform(
            "eligibility", of: input, in: context, endsWithCampaign: true
        ) { key in
            try await peers.checkEligibility(input, key: key)
        }
        guard let judged else { return PulseResult(.campaignEnded) }
        guard judged.isEligible else {
            return PulseResult(
                .notEligible, decisionID: judged.decisionID, failedChecks: judged.failedChecks)
        }
        var results: [RuleResult] = []
        for rule in rules {
            results.append(
                try await reward(rule, decisionID: judged.decisionID, input, context))
        }
        return PulseResult(
            SignupDecisions.outcome(of: results), decisionID: judged.decisionID, rules: results)
    }

    private func reward(
        _ rule: RewardRule, decisionID: String, _ input: PulseInput, _ context: WorkflowContext
    ) async throws -> RuleResult {
        if case .skip(let result) = SignupDecisions.step(for: rule) { return result }
        let runID = context.runID
        let answer = try await effects.perform(
            "allocate", rule.ruleID, of: input, in: context
        ) { key in
            try await peers.allocate(
                AllocateRewardRequest(
                    clientID: input.clientID, campaignID: input.campaignID,
                    revision: input.revision, ruleID: rule.ruleID,
                    participantID: input.participantID, role: rule.recipient,
                    subject: input.subject, decisionID: decisionID, runID: runID),
                input, key: key)
        }
        switch SignupDecisions.after(answer, of: rule) {
        case .settled(let result): return result
        case .fulfil(let rewardID):
            let reward = try await effects.perform(
                "fulfil", rule.ruleID, of: input, in: context
            ) { key in
                try await peers.fulfil(
                    FulfilRewardRequest(clientID: input.clientID, rewardID: rewardID), input,
                    key: key)
            }
            return SignupDecisions.result(of: rule, reward)
        }
    }
}
