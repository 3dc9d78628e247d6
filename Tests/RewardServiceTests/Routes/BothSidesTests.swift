import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import TestKit
import Testing

@testable import RewardService

/// Campaigns that reward who acted and who brought them.
@Suite(.serialized, .timeLimit(.minutes(4))) struct BothSidesTests {
    private func bothSides(
        _ harness: RewardHarness, limits: CampaignLimits = CampaignLimits(),
        eligibility: Rule? = nil
    ) async throws -> CampaignDefinition {
        let campaign = try harness.campaign(
            limits: limits, eligibility: eligibility,
            rules: [
                try harness.rule("welcome", amount: 1000),
                try harness.rule("thanks", .referrer, amount: 2500),
            ])
        _ = try harness.publish(campaign)
        try await harness.settle()
        return campaign
    }

    @Test func `each side is judged by what is known of that person`() async throws {
        try await RewardHarness.run { harness in
            let campaign = try await bothSides(
                harness,
                eligibility: .condition(
                    .init(field: "traits.plan", comparison: .equals, value: "pro")))
            let (ada, bea) = (ParticipantID(UUID()), ParticipantID(UUID()))
            harness.peers.tell(["plan": "pro"], of: bea)
            let participant = try await harness.check(campaign, bea, subject: "order-1")
            #expect(participant.eligible)
            let referrer = try await harness.check(campaign, ada, subject: "order-1")
            #expect(!referrer.eligible)
            let id = try #require(referrer.decisionID)
            let stored = try await harness.get("/eligibility/decisions/\(id)")
            #expect(
                stored.body.at("inputs.participant.participant_id") == .string(ada.description))
        }
    }

    @Test func `both sides have one reward each for one order, on accounts of their own`()
        async throws
    {
        try await RewardHarness.run { harness in
            let campaign = try await bothSides(harness)
            let (ada, bea) = (ParticipantID(UUID()), ParticipantID(UUID()))
            let of = try await harness.check(campaign, bea, subject: "order-1").decisionID
            let ofReferrer = try await harness.check(campaign, ada, subject: "order-1").decisionID
            let outcomes = try await atOnce(40) { number in
                number % 2 == 0
                    ? try await harness.allocate(
                        campaign, bea, decision: of, subject: "order-1")
                    : try await harness.allocate(
                        campaign, ada, decision: ofReferrer, subject: "order-1", rule: "thanks",
                        role: .referrer)
            }
            #expect(outcomes.count { $0.outcome == .allocated } == 2)
            for response in outcomes where response.outcome == .allocated {
                _ = try await harness.fulfil(try #require(response.reward).rewardID)
            }
            for (person, units) in [(ada, "2500"), (bea, "1000")] {
                let accounts = try await harness.get("/ledger/accounts?participant_id=\(person)")
                let available = accounts.body["data"]?.array?.first {
                    $0["kind"] == "participant_available"
                }
                #expect(available?.at("balance.units")?.string == units)
            }
            #expect(try await harness.audit.findings(of: harness.client) == [])
        }
    }

    @Test func `nobody takes the other side's rule, or rests on the other's decision`() async throws
    {
        try await RewardHarness.run { harness in
            let campaign = try await bothSides(harness)
            let (ada, bea) = (ParticipantID(UUID()), ParticipantID(UUID()))
            let of = try await harness.check(campaign, bea, subject: "order-1").decisionID
            await expectRefusal("decision_mismatch") {
                try await harness.allocate(
                    campaign, ada, decision: of, subject: "order-1", rule: "thanks",
                    role: .referrer)
            }
            await expectRefusal("rule_unknown") {
                try await harness.allocate(
                    campaign, bea, decision: of, subject: "order-1", rule: "thanks")
            }
        }
    }

    @Test func `a cap per participant counts what the referrer got, whoever acted`() async throws {
        try await RewardHarness.run { harness in
            let campaign = try await bothSides(
                harness, limits: CampaignLimits(maximumRewardsPerParticipant: 2))
            let ada = ParticipantID(UUID())
            var decisions: [String?] = []
            for order in 0..<5 {
                decisions.append(
                    try await harness.check(campaign, ada, subject: "order-\(order)").decisionID)
            }
            let asked = decisions
            let outcomes = try await atOnce(5) { order in
                try await harness.allocate(
                    campaign, ada, decision: asked[order], subject: "order-\(order)",
                    rule: "thanks", role: .referrer)
            }
            #expect(outcomes.count { $0.outcome == .allocated } == 2)
            #expect(outcomes.count { $0.reason == "limit_reached" } == 3)
            let full = try await harness.check(campaign, ada, subject: "order-9")
            #expect(full.checks.filter { !$0.passed }.map(\.code) == ["participant_limit"])
            let bea = try await harness.check(campaign, ParticipantID(UUID()), subject: "order-9")
            #expect(bea.eligible)
            #expect(try await harness.audit.findings(of: harness.client) == [])
        }
    }
}
