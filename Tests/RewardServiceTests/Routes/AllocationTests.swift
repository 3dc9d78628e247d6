import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import TestKit
import Testing

@testable import RewardService

@Suite(.timeLimit(.minutes(4))) struct AllocationTests {
    /// Makes the calls at once and counts what became of them.
    private func outcomes(
        _ count: Int, _ call: @escaping @Sendable (Int) async throws -> AllocateRewardResponse
    ) async throws -> [String: Int] {
        var counts: [String: Int] = [:]
        for response in try await atOnce(count, call) {
            let reason = response.reason.map { " \($0)" } ?? ""
            counts["\(response.outcome.rawValue)\(reason)", default: 0] += 1
        }
        return counts
    }

    /// Participants with a decision each, made while nothing was given yet.
    private func people(
        _ count: Int, _ campaign: CampaignDefinition, _ harness: RewardHarness
    ) async throws -> [(ParticipantID, String?)] {
        var people: [(ParticipantID, String?)] = []
        for _ in 0..<count {
            let participant = ParticipantID(UUID())
            let decision = try await harness.check(campaign, participant)
            #expect(decision.eligible)
            people.append((participant, decision.decisionID))
        }
        return people
    }

    @Test func `two hundred allocations with one grant key give one reward`() async throws {
        try await RewardHarness.run { harness in
            let campaign = try harness.campaign()
            _ = try harness.publish(campaign)
            try await harness.settle()
            let participant = ParticipantID(UUID())
            let decision = try await harness.check(campaign, participant).decisionID
            let counts = try await outcomes(200) { _ in
                try await harness.allocate(campaign, participant, decision: decision)
            }
            #expect(counts == ["allocated": 1, "existing": 199])
            let rewards = try await harness.get("/rewards?campaign_id=\(campaign.campaignID)")
            #expect(rewards.body["data"]?.array?.count == 1)
            let budget = try await harness.get("/budgets/\(campaign.campaignID)")
            #expect(budget.body["spent"] == ["units": "1000", "asset": "USD"])
            #expect(try await harness.audit.findings(of: harness.client) == [])
            try await eventually("the messages are in the log") {
                harness.peers.log.messages.map(\.type) == ["reward.allocated", "reward.approved"]
            }
        }
    }

    @Test func `a budget for twenty-five gives twenty-five of sixty and refuses the rest`()
        async throws
    {
        try await RewardHarness.run { harness in
            let campaign = try harness.campaign(budget: 25_000)
            _ = try harness.publish(campaign)
            try await harness.settle()
            let people = try await people(60, campaign, harness)
            let counts = try await outcomes(60) { number in
                try await harness.allocate(campaign, people[number].0, decision: people[number].1)
            }
            #expect(counts == ["allocated": 25, "refused budget_exceeded": 35])
            let row = try #require(
                try await harness.postgres.queryOne(
                    """
                    select count(*) filter (where reason = 'budget_exceeded') as refused,
                        (select count(*) from reward) as given from reward_refusal
                    """))
            #expect(try row.get("refused") == 35)
            #expect(try row.get("given") == 25)
            let budget = try await harness.get("/budgets/\(campaign.campaignID)")
            #expect(budget.body["available"] == ["units": "0", "asset": "USD"])
            #expect(budget.body["spent"] == ["units": "25000", "asset": "USD"])
            #expect(try await harness.audit.findings(of: harness.client) == [])
            // The same attempts again have the same outcomes, also after more money came.
            _ = try harness.publish(
                try harness.campaign(id: campaign.campaignID, revision: 2, budget: 90_000),
                CampaignMessage.updated)
            try await harness.settle()
            let again = try await outcomes(60) { number in
                try await harness.allocate(campaign, people[number].0, decision: people[number].1)
            }
            #expect(again == ["existing": 25, "refused budget_exceeded": 35])
            let decision = try await harness.check(campaign, people[0].0)
            _ = try await harness.allocate(campaign, people[0].0, decision: decision.decisionID)
            #expect(try await harness.audit.findings(of: harness.client) == [])
        }
    }

    @Test func `a cap on all rewards and a cap per participant hold under races`() async throws {
        try await RewardHarness.run { harness in
            let capped = try harness.campaign(limits: CampaignLimits(maximumRewards: 7))
            let perPerson = try harness.campaign(
                limits: CampaignLimits(maximumRewardsPerParticipant: 3))
            _ = try harness.publish(capped)
            _ = try harness.publish(perPerson)
            try await harness.settle()
            let people = try await people(20, capped, harness)
            let all = try await outcomes(20) { number in
                try await harness.allocate(capped, people[number].0, decision: people[number].1)
            }
            #expect(all == ["allocated": 7, "refused limit_reached": 13])
            let participant = ParticipantID(UUID())
            var decisions: [String?] = []
            for order in 0..<12 {
                let decision = try await harness.check(
                    perPerson, participant, subject: "order-\(order)")
                decisions.append(decision.decisionID)
            }
            let asked = decisions
            let one = try await outcomes(12) { number in
                try await harness.allocate(
                    perPerson, participant, decision: asked[number], subject: "order-\(number)")
            }
            #expect(one == ["allocated": 3, "refused limit_reached": 9])
            #expect(try await harness.audit.findings(of: harness.client) == [])
        }
    }

    @Test func `a decision that says no, or is about something else, gives nothing`() async throws {
        try await RewardHarness.run { harness in
            let campaign = try harness.campaign()
            _ = try harness.publish(campaign)
            try await harness.settle()
            let participant = ParticipantID(UUID())
            harness.peers.forget(participant)
            let no = try await harness.check(campaign, participant)
            #expect(!no.eligible)
            for _ in 0..<2 {
                let refused = try await harness.allocate(
                    campaign, participant, decision: no.decisionID)
                #expect(refused.outcome == .refused)
                #expect(refused.reason == "not_eligible")
            }
            let yes = try await harness.check(campaign, ParticipantID(UUID()))
            for (decision, code) in [
                (yes.decisionID, "decision_mismatch"), ("dec_nothing", "decision_mismatch"),
            ] {
                await expectRefusal(code) {
                    try await harness.allocate(campaign, participant, decision: decision)
                }
            }
            await expectRefusal("rule_unknown") {
                try await harness.allocate(
                    campaign, participant, decision: yes.decisionID, rule: "other")
            }
            await expectRefusal("campaign_unknown") {
                try await harness.allocate(
                    try harness.campaign(), participant, decision: yes.decisionID)
            }
            await expectRefusal("validation_failed") {
                try await harness.allocate(
                    campaign, participant, decision: yes.decisionID, subject: "")
            }
            #expect(try await harness.audit.findings(of: harness.client) == [])
        }
    }

    @Test func `every declared crash point lies on the way of a sign-up`() async throws {
        try await RewardHarness.run { harness in
            let campaign = try harness.campaign()
            _ = try harness.publish(campaign)
            try await harness.settle()
            let reward = try await harness.reward(campaign)
            #expect(try await harness.fulfil(reward.rewardID).status == .fulfilled)
            try await eventually("every crash point was reached") {
                harness.faults.reached.isSuperset(of: RewardService.crashPoints)
            }
        }
    }
}
