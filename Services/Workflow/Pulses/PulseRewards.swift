import Contracts
import DurableKit
import Kernel

extension PulseSteps {
    /// Gives all rewards of the run in one call, in the order of the rules: the first have the
    /// first claim on what is left of a budget. What needs no approval is handed over with it.
    func grant(
        _ rules: [RewardRule], _ sides: [RewardRecipient: PulseDecisions.Side]
    ) async throws -> [RuleResult] {
        let decided = rules.map { rule in
            (rule, PulseDecisions.step(for: rule, sides[rule.recipient] ?? .nobody))
        }
        var answers = try await grant(PulseDecisions.grants(decided))[...]
        var after: [(rule: RewardRule, after: PulseDecisions.AfterAllocation)] = []
        for (rule, step) in decided {
            switch step {
            case .skip(let result): after.append((rule, .settled(result)))
            case .allocate:
                guard let answer = answers.popFirst() else { throw Self.answersMissing }
                after.append((rule, PulseDecisions.after(answer, of: rule)))
            }
        }
        return try await settled(after)
    }

    private static var answersMissing: PermanentFailure {
        PermanentFailure(
            code: "grants_unanswered", detail: "Not every reward of the call was answered.")
    }

    private func grant(_ grants: [GrantedRule]) async throws -> [AllocateRewardResponse] {
        guard !grants.isEmpty else { return [] }
        let (peers, input) = (peers, input)
        let request = GrantRewardsRequest(
            clientID: input.clientID, campaignID: input.campaignID, revision: input.revision,
            subject: input.subject, runID: context.runID, grants: grants)
        return try await effects.perform("grant", of: input, in: context) { key in
            let results = try await peers.grant(request, input, key: key)
            guard results.count == grants.count else { throw Self.answersMissing }
            return results
        }
    }

    /// As `grant`, in the steps of runs from before there was that.
    func rewardOneByOne(
        _ rules: [RewardRule], _ sides: [RewardRecipient: PulseDecisions.Side]
    ) async throws -> [RuleResult] {
        var after: [(rule: RewardRule, after: PulseDecisions.AfterAllocation)] = []
        for rule in rules {
            after.append((rule, try await allocate(rule, sides)))
        }
        return try await settled(after)
    }

    /// Hands over, side by side, what is not settled yet.
    private func settled(
        _ rules: [(rule: RewardRule, after: PulseDecisions.AfterAllocation)]
    ) async throws -> [RuleResult] {
        try await inParallel(rules) { rule, after in
            switch after {
            case .settled(let result): result
            case .fulfil(let reward):
                PulseDecisions.result(of: rule, try await fulfil(rule, reward))
            }
        }
    }

    private func allocate(
        _ rule: RewardRule, _ sides: [RewardRecipient: PulseDecisions.Side]
    ) async throws -> PulseDecisions.AfterAllocation {
        switch PulseDecisions.step(for: rule, sides[rule.recipient] ?? .nobody) {
        case .skip(let result): return .settled(result)
        case .allocate(let participant, let decisionID):
            let (peers, input) = (peers, input)
            let request = AllocateRewardRequest(
                clientID: input.clientID, campaignID: input.campaignID, revision: input.revision,
                ruleID: rule.ruleID, participantID: participant, role: rule.recipient,
                subject: input.subject, decisionID: decisionID, runID: context.runID)
            let answer = try await effects.perform(
                "allocate", rule.ruleID, of: input, in: context
            ) { key in
                try await peers.allocate(request, input, key: key)
            }
            return PulseDecisions.after(answer, of: rule)
        }
    }

    private func fulfil(_ rule: RewardRule, _ reward: RewardSummary) async throws -> RewardSummary {
        let (peers, input) = (peers, input)
        let request = FulfilRewardRequest(clientID: input.clientID, rewardID: reward.rewardID)
        return try await effects.perform("fulfil", rule.ruleID, of: input, in: context) { key in
            try await peers.fulfil(request, input, key: key)
        }
    }
}
