import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import TestKit
import Testing

@testable import RewardService

@Suite(.timeLimit(.minutes(2))) struct EligibilityTests {
    @Test func `a decision on values that the database cannot keep is kept all the same`()
        async throws
    {
        try await RewardHarness.run { harness in
            let campaign = try harness.campaign(
                eligibility: .any([
                    .condition(
                        .init(field: "event.properties.text", comparison: .exists, value: true)),
                    .condition(
                        .init(field: "event.properties.number", comparison: .greater, value: 1)),
                ]))
            let position = try harness.publish(campaign)
            let decision = try await harness.check(
                campaign, ParticipantID(UUID()), position: position)
            #expect(decision.eligible)
            let id = try #require(decision.decisionID)
            let stored = try await harness.get("/eligibility/decisions/\(id)")
            #expect(stored.body.at("inputs.event.properties.number") == "1e999999")
        }
    }

    @Test func `a decision is made once per key and can be asked for with its inputs`()
        async throws
    {
        try await RewardHarness.run { harness in
            let campaign = try harness.campaign()
            let position = try harness.publish(campaign)
            let participant = ParticipantID(UUID())
            // The barrier makes the campaign known before the call is answered.
            let first = try await harness.check(
                campaign, participant, key: "step-1", position: position)
            #expect(first.eligible)
            #expect(harness.peers.lookUpPositions == [position.description])
            harness.peers.forget(participant)
            let again = try await atOnce(20) { _ in
                try await harness.check(campaign, participant, key: "step-1")
            }
            #expect(Set(again.map(\.decisionID)) == [first.decisionID])
            #expect(again.allSatisfy { $0.eligible })
            await expectRefusal("idempotency_key_reused") {
                try await harness.check(campaign, ParticipantID(UUID()), key: "step-1")
            }
            let id = try #require(first.decisionID)
            let stored = try await harness.get("/eligibility/decisions/\(id)")
            #expect(stored.status == 200)
            #expect(stored.body["eligible"] == true)
            #expect(stored.body["checks"]?.array?.count == 7)
            #expect(stored.body.at("inputs.event.properties.text") == "a\u{FFFD}b")
            #expect(stored.body.at("inputs.budget_available.units") == "100000")
        }
    }

    @Test(arguments: [false, true])
    func `checks that arrive together are each about their own`(_ isOld: Bool) async throws {
        try await RewardHarness.run { harness in
            if isOld { harness.peers.refuseSeveral() }
            let (one, two) = (try harness.campaign(), try harness.campaign())
            _ = try harness.publish(one)
            let position = try harness.publish(two)
            let people = (0..<24).map { _ in ParticipantID(UUID()) }
            for person in people.prefix(8) { harness.peers.forget(person) }
            let decisions = try await atOnce(72) { number in
                let decision = try await harness.check(
                    number % 2 == 0 ? one : two, people[number % 24], key: "\(number % 48)",
                    position: position)
                return (number, decision)
            }
            for (number, decision) in decisions {
                #expect(decision.eligible == (number % 24 >= 8))
                let failed = decision.checks.filter { !$0.passed }.map(\.code)
                #expect(failed == (number % 24 >= 8 ? [] : ["participant_known"]))
                let stored = try await harness.get(
                    "/eligibility/decisions/\(try #require(decision.decisionID))")
                #expect(
                    stored.body["participant_id"] == .string(people[number % 24].description))
                #expect(
                    stored.body["campaign_id"]
                        == .string((number % 2 == 0 ? one : two).campaignID.description))
            }
            #expect(Set(decisions.map(\.1.decisionID)).count == 48)
        }
    }

    @Test func `a position that is not reached is a retryable refusal`() async throws {
        try await RewardHarness.run { harness in
            let campaign = try harness.campaign()
            do {
                _ = try await harness.workflow.call(
                    RewardContracts.checkEligibility,
                    CheckEligibilityRequest(
                        clientID: harness.client, campaignID: campaign.campaignID, revision: 1,
                        participantID: ParticipantID(UUID()), subject: "s", event: [:],
                        dryRun: false),
                    CallOptions(
                        idempotencyKey: "k", position: "0:7", deadline: .seconds(10), attempts: 1))
                Issue.record("The call was answered.")
            } catch let error as PeerError {
                #expect(error.code == "position_not_reached")
                #expect(error.isRetryable)
            }
        }
    }

    @Test func `what cannot be known yet is not decided`() async throws {
        try await RewardHarness.run { harness in
            let campaign = try harness.campaign()
            await expectRefusal("campaign_unknown") {
                try await harness.check(campaign, ParticipantID(UUID()))
            }
            _ = try harness.publish(campaign)
            try await harness.settle()
            harness.peers.setClientServiceAway(true)
            await #expect {
                try await harness.check(campaign, ParticipantID(UUID()))
            } throws: { ($0 as? PeerError)?.isRetryable == true }
            harness.peers.setClientServiceAway(false)
            let dry = try await harness.check(campaign, ParticipantID(UUID()), dryRun: true)
            #expect(dry.decisionID == nil)
            let preview = try await harness.post(
                "/eligibility/check",
                #"{"campaign_id":"\#(campaign.campaignID)","#
                    + #""participant_id":"\#(ParticipantID(UUID()))"}"#)
            #expect(preview.status == 200)
            #expect(preview.body["eligible"] == true)
            let rows = try await harness.postgres.queryOne(
                "select count(*) as number from eligibility_decision")
            #expect(try rows?.get("number") == 0)
        }
    }

    @Test func `a client's business clock decides about its campaigns' periods`() async throws {
        try await RewardHarness.run { harness in
            let now = SystemClock().now()
            let campaign = try harness.campaign(endsAt: now + .seconds(3600))
            _ = try harness.publish(campaign)
            try await harness.settle()
            #expect(try await harness.check(campaign, ParticipantID(UUID())).eligible)
            harness.peers.log.publish(
                ClientMessage.settingsChanged,
                [
                    "status": "active", "mode": "test",
                    "business_clock_offset_milliseconds": 7_200_000,
                ], client: harness.client, at: now)
            try await harness.settle()
            let late = try await harness.check(campaign, ParticipantID(UUID()))
            #expect(late.checks.filter { !$0.passed }.map(\.code) == ["within_period"])
            #expect(late.decidedAt > now + .seconds(7000))
        }
    }
}
