import Contracts
import Kernel

extension CampaignContent {
    static let maximumRewardRules = 20
    static let maximumTriggers = 20
    static let maximumBudgetDigits = 30

    /// Everything that is wrong with it, each with what to change; empty when it is good.
    var problems: [Problem.FieldError] {
        nameProblems + triggerProblems + periodProblems + eligibilityProblems + rewardProblems
            + limitProblems + budgetProblems + referralProblems + notificationProblems
    }

    private var nameProblems: [Problem.FieldError] {
        (1...200).contains(name.count) && !name.allSatisfy(\.isWhitespace)
            ? [] : [.init("/name", "invalid_name", "Use a name of 1 to 200 characters.")]
    }

    private var triggerProblems: [Problem.FieldError] {
        guard let triggers else { return [] }
        guard (1...Self.maximumTriggers).contains(triggers.count) else {
            return [
                .init(
                    "/triggers", "invalid_count",
                    "Name 1 to \(Self.maximumTriggers) triggers, or leave them out.")
            ]
        }
        return triggers.enumerated().flatMap { index, trigger in
            var problems: [Problem.FieldError] = []
            if !EventType.isValid(trigger.event) {
                problems.append(
                    .init(
                        "/triggers/\(index)/event", "invalid_event",
                        "Use letters, digits and _ . : - only, at most 100."))
            }
            if let condition = trigger.condition {
                problems += condition.problems(at: "/triggers/\(index)/condition")
            }
            return problems
        }
    }

    private var periodProblems: [Problem.FieldError] {
        guard let startsAt, let endsAt, endsAt <= startsAt else { return [] }
        return [.init("/ends_at", "invalid_period", "The end must come after the start.")]
    }

    private var eligibilityProblems: [Problem.FieldError] {
        eligibility?.problems(at: "/eligibility") ?? []
    }

    private var rewardProblems: [Problem.FieldError] {
        guard (1...Self.maximumRewardRules).contains(rewardRules.count) else {
            return [
                .init(
                    "/reward_rules", "invalid_count",
                    "Name 1 to \(Self.maximumRewardRules) reward rules.")
            ]
        }
        var problems: [Problem.FieldError] = []
        var seen: Set<String> = []
        for (index, reward) in rewardRules.enumerated() {
            let place = "/reward_rules/\(index)"
            if !Self.isSlug(reward.ruleID) {
                problems.append(
                    .init(
                        "\(place)/rule_id", "invalid_rule_id",
                        "Use 1 to 50 of a–z, 0–9 and _ as the rule's name."))
            } else if !seen.insert(reward.ruleID).inserted {
                problems.append(
                    .init("\(place)/rule_id", "duplicate", "Another rule has this name."))
            }
            if reward.amount.units <= 0 {
                problems.append(
                    .init("\(place)/amount/units", "not_positive", "Give more than nothing."))
            }
            if reward.amount.asset != budget.asset {
                problems.append(
                    .init(
                        "\(place)/amount/asset", "different_asset",
                        "Rewards are paid from the budget, so they count the same asset."))
            } else if reward.amount > budget {
                problems.append(
                    .init(
                        "\(place)/amount/units", "above_budget",
                        "A single reward may not exceed the budget."))
            }
        }
        return problems
    }

    /// A name within the campaign or client: 1 to 50 of a–z, 0–9 and _.
    static func isSlug(_ text: String) -> Bool {
        (1...50).contains(text.utf8.count)
            && text.utf8.allSatisfy {
                (97...122).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "_")
            }
    }

    private var limitProblems: [Problem.FieldError] {
        [
            ("/limits/maximum_rewards", limits?.maximumRewards),
            ("/limits/maximum_rewards_per_participant", limits?.maximumRewardsPerParticipant),
        ].compactMap { pointer, limit in
            guard let limit, !(1...1_000_000_000).contains(limit) else { return nil }
            return .init(pointer, "out_of_range", "Use 1 to 1000000000, or leave it out.")
        }
    }

    private var budgetProblems: [Problem.FieldError] {
        guard budget.units > 0 else {
            return [.init("/budget/units", "not_positive", "A campaign needs a budget.")]
        }
        // Sums of many budgets must stay within the 38 digits that the ledger counts with.
        return String(budget.units).count <= Self.maximumBudgetDigits
            ? []
            : [
                .init(
                    "/budget/units", "too_large",
                    "Use at most \(Self.maximumBudgetDigits) digits.")
            ]
    }
}

extension Rule {
    /// What is wrong with a rule as part of a campaign: size, depth and unknown fields.
    fileprivate func problems(at pointer: String) -> [Problem.FieldError] {
        if depth > Self.maximumDepth || conditionCount > Self.maximumConditions {
            return [
                .init(
                    pointer, "rule_too_large",
                    "At most \(Self.maximumConditions) conditions on \(Self.maximumDepth) levels."
                )
            ]
        }
        return unknownFields.map { field in
            .init(
                pointer, "unknown_rule_field",
                "'\(field)' begins with none of event., participant., traits. and campaign."
            )
        }
    }

    private var unknownFields: [String] {
        switch self {
        case .all(let rules), .any(let rules): return rules.flatMap(\.unknownFields)
        case .not(let rule): return rule.unknownFields
        case .condition(let condition):
            let known = ["event.", "participant.", "traits.", "campaign."]
            return known.contains { condition.field.hasPrefix($0) } ? [] : [condition.field]
        }
    }
}

extension Problem.FieldError {
    init(_ pointer: String, _ code: String, _ detail: String) {
        self.init(pointer: pointer, code: code, detail: detail)
    }
}
