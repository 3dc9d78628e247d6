import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import TestKit
import Testing

@testable import RewardService

/// Rewards that a person has refused.
@Suite(.serialized, .timeLimit(.minutes(4))) struct RejectionTests {
    private func waiting(_ harness: RewardHarness) async throws -> CampaignDefinition {
        let campaign = try harness.campaign(approval: .manual)
        _ = try harness.publish(campaign)
        try await harness.settle()
        return campaign
    }

    private func reject(_ reward: RewardID, _ harness: RewardHarness) async throws -> Int {
        try await harness.post(
            "/rewards/\(reward)/reject", #"{"reason":"looks like fraud"}"#,
            key: UUID().uuidString
        ).status
    }

    @Test func `a rejected attempt stays refused and a new decision may succeed`() async throws {
        try await RewardHarness.run { harness in
            let campaign = try await waiting(harness)
            let participant = ParticipantID(UUID())
            let decision = try await harness.check(campaign, participant).decisionID
            let first = try await harness.allocate(campaign, participant, decision: decision)
            let reward = try #require(first.reward)
            #expect(try await reject(reward.rewardID, harness) == 200)
            let again = try await atOnce(10) { _ in
                try await harness.allocate(campaign, participant, decision: decision)
            }
            #expect(again.allSatisfy { $0.outcome == .refused && $0.reason == "rejected" })
            let later = try await harness.reward(campaign, participant)
            #expect(later.rewardID != reward.rewardID)
            // The old attempt now learns of the grant's reward; nothing new is given.
            let old = try await harness.allocate(campaign, participant, decision: decision)
            #expect(old.outcome != .allocated)
            #expect(try await harness.audit.findings(of: harness.client) == [])
        }
    }

    @Test func `an attempt that is repeated while its reward is rejected gives no second one`()
        async throws
    {
        try await RewardHarness.run { harness in
            let campaign = try await waiting(harness)
            for _ in 0..<15 {
                let participant = ParticipantID(UUID())
                let decision = try await harness.check(campaign, participant).decisionID
                let first = try await harness.allocate(campaign, participant, decision: decision)
                let reward = try #require(first.reward)
                let outcomes = try await atOnce(9) { number in
                    if number == 4 {
                        #expect(try await reject(reward.rewardID, harness) == 200)
                        return AllocateRewardResponse.Outcome.refused
                    }
                    return try await harness.allocate(
                        campaign, participant, decision: decision
                    ).outcome
                }
                #expect(!outcomes.contains(.allocated))
            }
            let row = try await harness.postgres.queryOne(
                "select count(*) as number from reward where status <> 'rejected'")
            #expect(try row?.get("number") == 0)
            #expect(try await harness.audit.findings(of: harness.client) == [])
        }
    }
}
