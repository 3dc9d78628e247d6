import Contracts
import DurableKit
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import ServiceKit
import Synchronization
import TestKit
import Testing

@testable import WorkflowService

/// Sign-ups of people whom somebody brought.
@Suite(.serialized, .timeLimit(.minutes(4))) struct ReferralSignupTests {
    @Test func `both sides are rewarded and written to, each by a decision of their own`()
        async throws
    {
        try await WorkflowHarness.run(campaign: { $0.bothSides(.signup) }) { harness in
            let (platform, shop) = (harness.platform, harness.shop)
            let (ada, bea) = (shop.participant("ada"), shop.participant("bea"))
            platform.change { $0.referrers = [bea: ada] }
            let position = platform.append([shop.signup("bea")])[0]
            let run = try await harness.ended()[0]
            #expect(run["outcome"] == "rewarded")
            #expect(run["rules"]?.array?.map { $0["outcome"] } == ["fulfilled", "fulfilled"])
            #expect(run["rules"]?.array?.map { $0["recipient"] } == ["referrer", "participant"])
            #expect(run.at("conversion.referrer_id") == .string(ada.description))
            #expect(run.at("link.code") == "CODE")
            #expect(run["notifications"]?.array?.map { $0["outcome"] } == ["queued", "queued"])
            let subject = bea.description
            #expect(
                platform.grants == [
                    Grant(ruleID: "thanks", role: .referrer, participantID: ada, subject: subject),
                    Grant(
                        ruleID: "welcome", role: .participant, participantID: bea,
                        subject: subject),
                ])
            let decisions = platform.state.withLock { state in
                Dictionary(
                    uniqueKeysWithValues: state.allocations.map { ($0.role, $0.decisionID) })
            }
            #expect(
                decisions == [.referrer: "decision-\(ada)", .participant: "decision-\(bea)"])
            let calls = platform.state.withLock { $0.calls }
            #expect(calls.allSatisfy { $0.position == position.description })
            let id = try #require(run["run_id"]?.string)
            #expect(
                Set(calls.map(\.key))
                    == Set(
                        [
                            "eligibility", "conversion", "link", "eligibility:referrer",
                            "grant", "notify:participant:hello", "notify:referrer:thank_you",
                        ].map { "\(id):\($0)" }))
            #expect(calls.count == 7)
        }
    }

    @Test func `the portal shows every step of a run`() async throws {
        try await WorkflowHarness.run(campaign: { $0.bothSides(.signup) }) { harness in
            let shop = harness.shop
            harness.platform.change {
                $0.referrers = [shop.participant("bea"): shop.participant("ada")]
            }
            harness.platform.append([shop.signup("bea")])
            _ = try await harness.ended()
            let steps = try #require(try await harness.firstRun()?["steps"]?.array)
            #expect(steps.allSatisfy { $0["status"] == "done" })
            #expect(
                Set(steps.compactMap { $0["name"]?.string }) == [
                    "eligibility", "conversion", "link", "eligibility:referrer", "grant",
                    "notify:participant:hello", "notify:referrer:thank_you",
                ])
        }
    }

    @Test func `who was brought by nobody gets their own share, their link and their mail`()
        async throws
    {
        try await WorkflowHarness.run(campaign: { $0.bothSides(.signup) }) { harness in
            harness.platform.append([harness.shop.signup("ada")])
            let run = try await harness.ended()[0]
            #expect(run["outcome"] == "rewarded")
            #expect(run.at("conversion.outcome") == "unattributed")
            #expect(run["rules"]?.array?.map { $0["outcome"] } == ["no_referrer", "fulfilled"])
            #expect(run["notifications"]?.array?.map { $0["outcome"] } == ["queued", "skipped"])
            let message = try #require(harness.platform.state.withLock { $0.messages.first })
            #expect(message.participantID == harness.shop.participant("ada"))
            #expect(message.variables.at("referral.url") == "https://go.example/r/CODE")
            #expect(message.variables.at("reward.formatted") == "20.00 USD")
            #expect(message.variables.at("campaign.name") == "Welcome")
            #expect(harness.platform.calls("eligibility/check").count == 1)
        }
    }

    @Test func `a referrer who may have nothing takes nothing from the participant`() async throws {
        try await WorkflowHarness.run(campaign: { $0.bothSides(.signup) }) { harness in
            let (platform, shop) = (harness.platform, harness.shop)
            let (ada, bea) = (shop.participant("ada"), shop.participant("bea"))
            platform.change {
                $0.referrers = [bea: ada]
                $0.excluded = [ada]
            }
            platform.append([shop.signup("bea")])
            let run = try await harness.ended()[0]
            #expect(run["outcome"] == "rewarded")
            let rules = try #require(run["rules"]?.array)
            #expect(rules.map { $0["outcome"] } == ["refused", "fulfilled"])
            #expect(rules.map { $0["reason"] } == ["not_eligible", nil])
            #expect(run["detail"]?.string?.contains("decision-\(ada)") == true)
            #expect(platform.grants.map(\.role) == [.participant])
            #expect(
                run["notifications"]?.array?.map { $0["reason"] } == [nil, "not_eligible"])
        }
    }

    @Test(arguments: [
        ("thanks", ["refused", "fulfilled"]), ("welcome", ["fulfilled", "refused"]),
    ])
    func `one side's refused reward takes nothing from the other`(
        refused: String, outcomes: [String]
    ) async throws {
        try await WorkflowHarness.run(campaign: { $0.bothSides(.signup) }) { harness in
            let shop = harness.shop
            harness.platform.change {
                $0.referrers = [shop.participant("bea"): shop.participant("ada")]
                $0.refusedRules = [refused: "budget_exceeded"]
            }
            harness.platform.append([shop.signup("bea")])
            let run = try await harness.ended()[0]
            #expect(run["outcome"] == "rewarded")
            #expect(run["rules"]?.array?.compactMap { $0["outcome"]?.string } == outcomes)
            #expect(harness.platform.state.withLock { $0.messages.count } == 1)
            #expect(
                run["notifications"]?.array?.compactMap { $0["reason"]?.string } == ["not_rewarded"]
            )
        }
    }

    @Test func `nobody is rewarded for bringing themselves`() async throws {
        try await WorkflowHarness.run(campaign: { $0.bothSides(.signup) }) { harness in
            let shop = harness.shop
            harness.platform.change { $0.isSelfReferral = true }
            harness.platform.append([shop.signup("bea")])
            let run = try await harness.ended()[0]
            #expect(run["outcome"] == "rewarded")
            #expect(run["rules"]?.array?.map { $0["reason"] } == ["conversion_refused", nil])
            #expect(run["detail"]?.string?.contains("not_self_referral") == true)
            #expect(harness.platform.grants.map(\.role) == [.participant])
        }
    }

    @Test func `a message that is not sent fails no run and shows why`() async throws {
        try await WorkflowHarness.run(campaign: { $0.bothSides(.signup) }) { harness in
            let shop = harness.shop
            harness.platform.change { $0.refusedTemplates = ["hello": "no_address"] }
            harness.platform.append([shop.signup("ada")])
            let run = try await harness.ended()[0]
            #expect(run["status"] == "completed")
            #expect(run["outcome"] == "rewarded")
            #expect(run["notifications"]?.array?.first?["outcome"] == "refused")
            #expect(run["notifications"]?.array?.first?["reason"] == "no_address")
        }
    }

    @Test func `a message that cannot even be asked for fails no run`() async throws {
        try await WorkflowHarness.run(campaign: { $0.bothSides(.signup) }) { harness in
            harness.platform.change {
                $0.refusedPaths["notifications/send"] = .unprocessable("bad_template", "No.")
            }
            harness.platform.append([harness.shop.signup("ada")])
            let run = try await harness.ended()[0]
            #expect(run["outcome"] == "rewarded")
            #expect(run["notifications"]?.array?.first?["outcome"] == "failed")
            #expect(run["notifications"]?.array?.first?["reason"] == "bad_template")
        }
    }

    @Test func `a campaign without a referral policy asks nobody about referrals`() async throws {
        try await WorkflowHarness.run { harness in
            harness.platform.append([harness.shop.signup("ada")])
            let run = try await harness.ended()[0]
            #expect(run["outcome"] == "rewarded")
            #expect(run["conversion"] == nil || run["conversion"] == .null)
            #expect(harness.platform.calls("conversions/check").isEmpty)
            #expect(harness.platform.calls("links/issue").isEmpty)
        }
    }
}
