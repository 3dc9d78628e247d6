import Contracts
import DurableKit
import Kernel

extension PulseSteps {
    /// What follows once it is decided that the participant may take part: their link, what both
    /// sides get, and what is written to them. One side's refusal takes nothing from the other.
    func settle(
        _ plan: PulsePlan, _ judged: JudgedEligibility, _ conversion: JudgedConversion?
    ) async throws -> PulseResult {
        async let issuedLink = link(plan)
        async let judgedReferrer = referrerEligibility(conversion, plan)
        let (link, referrer) = (try await issuedLink, try await judgedReferrer)
        let sides: [RewardRecipient: PulseDecisions.Side] = [
            .participant: .entitled(input.participantID, decisionID: judged.decisionID),
            .referrer: PulseDecisions.referrer(conversion, referrer),
        ]
        let rules = try await reward(plan.rules, sides)
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
