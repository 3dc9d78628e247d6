import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import TestKit
import Testing

@testable import RewardService

@Suite(.timeLimit(.minutes(2))) struct FundingTests {
    private func budget(
        _ campaign: CampaignDefinition, _ harness: RewardHarness
    ) async throws -> JSONValue {
        try await harness.get("/budgets/\(campaign.campaignID)").body
    }

    @Test func `a budget is funded once however often and in whatever order it is told`()
        async throws
    {
        try await RewardHarness.run { harness in
            let start = SystemClock().now()
            let first = try harness.campaign(budget: 5000)
            let id = first.campaignID
            let second = try harness.campaign(id: id, revision: 2, budget: 8000)
            _ = try harness.publish(second, CampaignMessage.updated, at: start + .seconds(2))
            _ = try harness.publish(first, at: start)
            _ = try harness.publish(second, CampaignMessage.updated, at: start + .seconds(2))
            _ = try harness.publish(first, at: start)
            try await harness.settle()
            #expect(try await budget(first, harness).at("budget.units") == "8000")
            // A run that began with the first revision is still judged by it.
            let old = try await harness.check(first, ParticipantID(UUID()))
            #expect(old.campaignRevision == 1)
            #expect(old.eligible)
            let transfers = try await harness.postgres.query("select amount from ledger_transfer")
            #expect(transfers.count == 1)
            #expect(try await harness.audit.findings(of: harness.client) == [])
        }
    }

    @Test func `the later of two states of one revision counts`() async throws {
        try await RewardHarness.run { harness in
            let start = SystemClock().now()
            let active = try harness.campaign()
            let closed = try harness.campaign(id: active.campaignID, status: .closed)
            _ = try harness.publish(active, at: start)
            _ = try harness.publish(closed, CampaignMessage.closed, at: start + .seconds(9))
            _ = try harness.publish(active, CampaignMessage.resumed, at: start + .seconds(5))
            try await harness.settle()
            let decision = try await harness.check(active, ParticipantID(UUID()))
            #expect(decision.checks.filter { !$0.passed }.map(\.code) == ["campaign_active"])
        }
    }

    /// The campaign's money: what it says, budget, reserved, spent, available.
    private func money(
        _ campaign: CampaignDefinition, _ harness: RewardHarness
    ) async throws -> [String?] {
        let answer = try await budget(campaign, harness)
        return ["requested", "budget", "reserved", "spent", "available"].map {
            answer.at("\($0).units")?.string
        }
    }

    @Test func `a budget follows its definition and is never below what is spent and reserved`()
        async throws
    {
        try await RewardHarness.run { harness in
            let first = try harness.campaign(
                budget: 9000,
                rules: [
                    try harness.rule("welcome", amount: 1000),
                    try harness.rule("thanks", .referrer, amount: 2000, approval: .manual),
                ])
            let id = first.campaignID
            _ = try harness.publish(first)
            try await harness.settle()
            _ = try await harness.reward(first)
            let ada = ParticipantID(UUID())
            let decision = try await harness.check(first, ada).decisionID
            let held = try await harness.allocate(
                first, ada, decision: decision, rule: "thanks", role: .referrer)
            #expect(try await money(first, harness) == ["9000", "9000", "2000", "1000", "6000"])
            for (revision, units, expected) in [
                (2, 5000, ["5000", "5000", "2000", "1000", "2000"]),
                (3, 500, ["500", "3000", "2000", "1000", "0"]),
                (4, 500, ["500", "3000", "2000", "1000", "0"]),
                (5, 3500, ["3500", "3500", "2000", "1000", "500"]),
                (6, 500, ["500", "3000", "2000", "1000", "0"]),
            ] {
                let changed = try harness.campaign(
                    id: id, revision: revision, budget: Int128(units))
                _ = try harness.publish(changed, CampaignMessage.updated)
                try await harness.settle()
                #expect(try await money(first, harness) == expected, "revision \(revision)")
                #expect(try await harness.audit.findings(of: harness.client) == [])
            }
            // What comes free later is taken back with the next news of the campaign.
            let reward = try #require(held.reward).rewardID
            let rejected = try await harness.post(
                "/rewards/\(reward)/reject", #"{"reason":"no"}"#, key: "no")
            #expect(rejected.status == 200)
            _ = try harness.publish(
                try harness.campaign(id: id, revision: 6, status: .paused, budget: 500),
                CampaignMessage.paused)
            try await harness.settle()
            #expect(try await money(first, harness) == ["500", "1000", "0", "1000", "0"])
            #expect(try await harness.audit.findings(of: harness.client) == [])
        }
    }

    @Test func `a budget that is lowered while rewards are given never falls below them`()
        async throws
    {
        try await RewardHarness.run { harness in
            let first = try harness.campaign(budget: 40_000)
            _ = try harness.publish(first)
            try await harness.settle()
            var people: [(ParticipantID, String?)] = []
            for _ in 0..<40 {
                let person = ParticipantID(UUID())
                people.append((person, try await harness.check(first, person).decisionID))
            }
            let asked = people
            let outcomes = try await atOnce(41) { number -> AllocateRewardResponse.Outcome? in
                if number == 10 {
                    _ = try harness.publish(
                        try harness.campaign(id: first.campaignID, revision: 2, budget: 5000),
                        CampaignMessage.updated)
                    return nil
                }
                let (person, decision) = asked[number < 10 ? number : number - 1]
                return try await harness.allocate(first, person, decision: decision).outcome
            }
            try await harness.settle()
            let given = outcomes.count { $0 == .allocated }
            let inForce = max(5, given) * 1000
            #expect(
                try await money(first, harness) == [
                    "5000", "\(inForce)", "0", "\(given * 1000)", "\(inForce - given * 1000)",
                ])
            #expect(try await harness.audit.findings(of: harness.client) == [])
        }
    }

    @Test func `a budget beyond what the ledger can count is refused and holds up nobody`()
        async throws
    {
        try await RewardHarness.run { harness in
            let vast = [
                try harness.campaign(budget: Amount.maximumUnits),
                try harness.campaign(budget: Amount.maximumUnits),
            ]
            for campaign in vast { _ = try harness.publish(campaign) }
            let ordinary = try harness.campaign(budget: 5000)
            _ = try harness.publish(ordinary)
            try await harness.settle()
            let decision = try await harness.check(ordinary, ParticipantID(UUID()))
            #expect(decision.campaignRevision == 1, "the subscriber went on")
            #expect(try await harness.audit.findings(of: harness.client) == [])
        }
    }

    @Test func `an event that only looks like a service's message changes nothing`() async throws {
        try await RewardHarness.run { harness in
            let campaign = try harness.campaign()
            _ = try harness.publish(campaign, trust: .server)
            harness.peers.log.publish(
                CampaignMessage.activated, ["nonsense": true], client: harness.client,
                at: SystemClock().now(), trust: .browser)
            harness.peers.log.publish(
                CampaignMessage.activated, ["nonsense": true], client: harness.client,
                at: SystemClock().now())
            try await harness.settle()
            #expect(try await harness.get("/budgets/\(campaign.campaignID)").status == 404)
            let row = try await harness.postgres.queryOne(
                "select count(*) as number from messaging_dead_letter")
            #expect(try row?.get("number") == 1, "a service's own nonsense is kept to be looked at")
        }
    }

    @Test func `a draft that is closed never had a budget`() async throws {
        try await RewardHarness.run { harness in
            let closed = try harness.campaign(status: .closed)
            _ = try harness.publish(closed, CampaignMessage.closed)
            try await harness.settle()
            #expect(try await budget(closed, harness).at("budget.units") == "0")
            #expect(try await harness.audit.findings(of: harness.client) == [])
        }
    }
}
