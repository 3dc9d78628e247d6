import Contracts
import DurableKit
import Kernel

extension PulseSteps {
    /// What follows once it is decided that the participant may take part: their link, what both
    /// sides get, and what is written to them. One side's refusal takes nothing from the other.
    ///
    /// The link hangs on nothing else, so it is asked for beside the rest; only messages wait for
    /// it.
    func settle(
        _ plan: PulsePlan, _ judged: JudgedEligibility,
        _ attribute: @Sendable () async throws -> JudgedConversion?
    ) async throws -> PulseResult {
        async let issuedLink = link(plan)
        let conversion = try await attribute()
        let referrer = try await referrerEligibility(conversion, plan)
        let sides = sides(judged, conversion, referrer)
        let rules = try await grant(plan.rules, sides)
        let link = try await issuedLink
        return try await conclude(
            plan, judged, conversion, referrer, rules: rules, link: link, sides)
    }

    /// The same in the steps of runs from before rewards were given in one.
    func settleOneByOne(
        _ plan: PulsePlan, _ judged: JudgedEligibility, _ conversion: JudgedConversion?
    ) async throws -> PulseResult {
        async let issuedLink = link(plan)
        async let judgedReferrer = referrerEligibility(conversion, plan)
        let (link, referrer) = (try await issuedLink, try await judgedReferrer)
        let sides = sides(judged, conversion, referrer)
        let rules = try await rewardOneByOne(plan.rules, sides)
        return try await conclude(
            plan, judged, conversion, referrer, rules: rules, link: link, sides)
    }

    private func sides(
        _ judged: JudgedEligibility, _ conversion: JudgedConversion?,
        _ referrer: JudgedEligibility?
    ) -> [RewardRecipient: PulseDecisions.Side] {
        [
            .participant: .entitled(input.participantID, decisionID: judged.decisionID),
            .referrer: PulseDecisions.referrer(conversion, referrer),
        ]
    }

    private func conclude(
        _ plan: PulsePlan, _ judged: JudgedEligibility, _ conversion: JudgedConversion?,
        _ referrer: JudgedEligibility?, rules: [RuleResult], link: IssuedLink?,
        _ sides: [RewardRecipient: PulseDecisions.Side]
    ) async throws -> PulseResult {
        var result = PulseResult(
            PulseDecisions.outcome(of: rules), decisionID: judged.decisionID,
            conversion: conversion)
        result.referrerEligibility = referrer
        result.link = link
        result.rules = rules
        result.notifications = try await notify(plan, sides, link: link, after: rules)
        return result
    }
}
