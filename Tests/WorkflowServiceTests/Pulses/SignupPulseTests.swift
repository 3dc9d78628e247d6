import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import MessagingKit
import TestKit
import Testing

@testable import WorkflowService

/// Runs that meet trouble on their way.
@Suite(.serialized, .timeLimit(.minutes(4))) struct SignupPulseTests {
    @Test func `a run waits for a service that is away and goes on with the same key`() async throws
    {
        try await WorkflowHarness.run { harness in
            let platform = harness.platform
            platform.change { $0.awayPaths = ["grant"] }
            platform.append([harness.shop.signup("ada")])
            let step = try await eventually("the step is being tried again") {
                try await harness.firstRun()?["steps"]?.array?.first {
                    $0["name"] == "grant" && ($0["failures"]?.integer ?? 0) > 1
                }
            }
            #expect(step["status"] == "retrying")
            #expect(step["code"] == "away")
            platform.change { $0.awayPaths = [] }
            #expect(try await harness.outcome() == "rewarded")
            let run = try #require(try await harness.firstRun())
            #expect(platform.keys("grant") == ["\(run["run_id"]?.string ?? ""):grant"])
        }
    }

    @Test func `who may not take part gets nothing and the run is complete`() async throws {
        try await WorkflowHarness.run { harness in
            harness.platform.change { $0.isEligible = false }
            harness.platform.append([harness.shop.signup("ada")])
            let run = try await harness.ended()[0]
            #expect(run["status"] == "completed")
            #expect(run["outcome"] == "not_eligible")
            #expect(run["detail"]?.string?.contains("campaign_rule") == true)
            #expect(harness.platform.calls("grant").isEmpty)
        }
    }

    @Test func `a refused reward completes the run with its reason`() async throws {
        let rules = [RewardRule.sample("thanks", recipient: .referrer), .sample("welcome")]
        try await WorkflowHarness.run(campaign: { $0.campaign(rules: rules) }) { harness in
            harness.platform.change { $0.refusal = "budget_exceeded" }
            harness.platform.append([harness.shop.signup("ada")])
            let run = try await harness.ended()[0]
            #expect(run["outcome"] == "refused")
            let results = try #require(run["rules"]?.array)
            #expect(results.map { $0["outcome"] } == ["no_referrer", "refused"])
            #expect(results.last?["reason"] == "budget_exceeded")
            #expect(harness.platform.calls("fulfil").isEmpty)
        }
    }

    @Test func `a reward that somebody has to approve is not handed over`() async throws {
        try await WorkflowHarness.run { harness in
            harness.platform.change { $0.rewardStatus = .eligible }
            harness.platform.append([harness.shop.signup("ada")])
            let run = try await harness.ended()[0]
            #expect(run["outcome"] == "rewarded")
            #expect(run["rules"]?.array?.first?["outcome"] == "awaiting_approval")
            #expect(harness.platform.calls("fulfil").isEmpty)
        }
    }

    @Test func `what the grant leaves approved is handed over by the run`() async throws {
        try await WorkflowHarness.run { harness in
            harness.platform.change { $0.handsOverWithGrant = false }
            harness.platform.append([harness.shop.signup("ada")])
            let run = try await harness.ended()[0]
            #expect(run["rules"]?.array?.first?["outcome"] == "fulfilled")
            #expect(harness.platform.calls("fulfil").count == 1)
        }
    }

    @Test func `a paused campaign holds its runs, also one that is trying again, and resumes them`()
        async throws
    {
        try await WorkflowHarness.run { harness in
            let (platform, shop) = (harness.platform, harness.shop)
            platform.change { $0.awayPaths = ["grant"] }
            platform.append([shop.signup("ada")])
            try await harness.waitForStep("grant", "retrying")
            try platform.tell(CampaignMessage.paused, shop.campaign(.paused))
            try await harness.waitForStep("grant", "done")
            platform.change { $0.awayPaths = [] }
            try await harness.waitForStep("resumed:grant:1", "retrying")
            #expect(platform.calls("grant").isEmpty)
            try platform.tell(CampaignMessage.resumed, shop.campaign(.active))
            #expect(try await harness.outcome() == "rewarded")
            #expect(platform.calls("grant").count == 1)
            #expect(platform.keys("grant").first?.hasSuffix(":grant") == true)
        }
    }

    @Test func `a campaign that ended settles what was decided and drops the rest`() async throws {
        try await WorkflowHarness.run { harness in
            let (platform, shop) = (harness.platform, harness.shop)
            platform.change { $0.awayPaths = ["grant"] }
            platform.append([shop.signup("decided")])
            try await harness.waitForStep("grant", "retrying")
            platform.change { $0.awayPaths = ["grant", "check"] }
            platform.append([shop.signup("undecided")])
            // The list's first is the newest.
            try await harness.waitForStep("eligibility", "retrying")
            try platform.tell(CampaignMessage.closed, shop.campaign(.closed))
            try await harness.caughtUp()
            platform.change { $0.awayPaths = [] }
            let outcomes = Dictionary(
                uniqueKeysWithValues: try await harness.ended(2).map {
                    ($0["participant_id"]?.string ?? "", $0["outcome"]?.string ?? "")
                })
            #expect(outcomes[shop.participant("decided").description] == "rewarded")
            #expect(outcomes[shop.participant("undecided").description] == "campaign_ended")
        }
    }

    @Test(arguments: [false, true])
    func `a run that was under way when the service stopped goes on and repeats no effect`(
        abruptly: Bool
    ) async throws {
        try await WorkflowHarness.run { harness in
            let platform = harness.platform
            platform.change { $0.awayPaths = ["grant"] }
            platform.append([harness.shop.signup("ada")])
            try await harness.waitForStep("grant", "retrying")
            await harness.stop(abruptly: abruptly)
            platform.change { $0.awayPaths = [] }
            try await harness.start()
            #expect(try await harness.outcome(within: .seconds(40)) == "rewarded")
            for path in ["check", "grant"] {
                #expect(platform.calls(path).count == 1)
            }
        }
    }

    @Test func `a run that ends rewarded has passed every crash point of the service`() async throws
    {
        try await WorkflowHarness.run { harness in
            harness.platform.append([harness.shop.signup("ada")])
            _ = try await harness.ended()
            try await eventually("every declared point is reached") {
                harness.faults.reached.isSuperset(of: WorkflowService.crashPoints)
            }
        }
    }
}

extension WorkflowHarness {
    /// The newest run with its steps.
    func firstRun() async throws -> JSONValue? {
        guard let id = try await runs().first?["run_id"]?.string else { return nil }
        return try await call(.get, "/v1/portal/runs/\(id)").body
    }

    /// Waits until a step of the newest run stands like this.
    func waitForStep(_ name: String, _ status: String) async throws {
        try await eventually("step \(name) is \(status)") {
            try await self.firstRun()?["steps"]?.array?.contains {
                $0["name"]?.string == name && $0["status"]?.string == status
            } ?? false
        }
    }
}
