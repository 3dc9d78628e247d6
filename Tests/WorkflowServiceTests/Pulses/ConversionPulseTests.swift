import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import Synchronization
import TestKit
import Testing

@testable import WorkflowService

/// Purchases of people whom somebody brought.
@Suite(.serialized, .timeLimit(.minutes(4))) struct ConversionPulseTests {
    /// A shop whose customer bea was brought by ada.
    private func run(
        destinationURL: String? = nil, _ body: (WorkflowHarness) async throws -> Void
    ) async throws {
        try await WorkflowHarness.run(
            campaign: { $0.bothSides(.conversion, destinationURL: destinationURL) }
        ) { harness in
            let shop = harness.shop
            harness.platform.change {
                $0.referrers = [shop.participant("bea"): shop.participant("ada")]
            }
            try await body(harness)
        }
    }

    @Test func `both sides are rewarded once, however often and by whomever the order is told`()
        async throws
    {
        try await run { harness in
            try await harness.start()
            let (platform, shop) = (harness.platform, harness.shop)
            let (ada, bea) = (shop.participant("ada"), shop.participant("bea"))
            let told = [
                shop.purchase("bea", order: "1001", id: "shop"),
                shop.purchase("bea", id: "page", properties: ["order_id": 1001]),
                shop.purchase("bea", id: "payment", properties: ["order_id": "1001"]),
            ]
            for event in told + told { platform.append([event]) }
            try await harness.caughtUp()
            let run = try await harness.ended()[0]
            #expect(run["pulse"] == "conversion")
            #expect(run["subject"] == "1001")
            #expect(run["outcome"] == "rewarded")
            #expect(run["link"] == nil || run["link"] == .null)
            #expect(
                platform.grants == [
                    Grant(ruleID: "thanks", role: .referrer, participantID: ada, subject: "1001"),
                    Grant(
                        ruleID: "welcome", role: .participant, participantID: bea, subject: "1001"),
                ])
            #expect(platform.keys("grant").count == 1)
            #expect(platform.keys("conversions/check").count == 1)
            #expect(
                platform.state.withLock { Set($0.messages.map(\.participantID)) } == [ada, bea])
            let variables = platform.state.withLock { $0.messages.map(\.variables) }
            #expect(variables.allSatisfy { $0.at("order.id") == "1001" })
            #expect(variables.allSatisfy { $0.at("reward.units") == "2000" })
            let outcomes = try await eventually("the end is told") {
                let outcomes = try platform.outcomes(WorkflowMessage.completed)
                return outcomes.isEmpty ? nil : outcomes
            }
            #expect(outcomes.map(\.pulse) == [.conversion])
            #expect(outcomes[0].rewardIDs.count == 2)
        }
    }

    @Test func `another order is another conversion`() async throws {
        try await run { harness in
            harness.platform.append([
                harness.shop.purchase("bea", order: "1"), harness.shop.purchase("bea", order: "2"),
            ])
            _ = try await harness.ended(2)
            #expect(harness.platform.grants.count == 4)
        }
    }

    @Test func `a purchase that nobody brought about gives nothing to anybody`() async throws {
        try await run(destinationURL: "https://shop.example/") { harness in
            harness.platform.append([harness.shop.purchase("cleo", order: "7")])
            let run = try await harness.ended()[0]
            #expect(run["status"] == "completed")
            #expect(run["outcome"] == "not_attributed")
            #expect(run["detail"] == "Attribution attribution: not passed attributed.")
            for path in ["grant", "notifications/send", "links/issue"] {
                #expect(harness.platform.calls(path).isEmpty)
            }
            #expect(harness.platform.calls("eligibility/check").count == 1)
        }
    }

    @Test func `a conversion that must not count gives nothing and says why`() async throws {
        try await run { harness in
            harness.platform.change { $0.isSelfReferral = true }
            harness.platform.append([harness.shop.purchase("bea", order: "7")])
            let run = try await harness.ended()[0]
            #expect(run["outcome"] == "conversion_refused")
            #expect(run["detail"]?.string?.contains("not_self_referral") == true)
            #expect(harness.platform.calls("grant").isEmpty)
        }
    }

    @Test func `the buyer gets a link when the campaign says where it leads`() async throws {
        try await run(destinationURL: "https://shop.example/") { harness in
            harness.platform.append([harness.shop.purchase("bea", order: "7")])
            let run = try await harness.ended()[0]
            #expect(run.at("link.url") == "https://go.example/r/CODE")
        }
    }

    @Test func `referral-service hears when the purchase was and what it was worth`() async throws {
        try await run { harness in
            let (platform, shop) = (harness.platform, harness.shop)
            let ahead = Duration.seconds(40 * 86_400)
            _ = platform.tell([
                LogMessage(
                    id: "clock", type: ClientMessage.settingsChanged, clientID: shop.clientID,
                    occurredAt: SystemClock().now(),
                    data: [
                        "status": "active", "mode": "test",
                        "business_clock_offset_milliseconds": .number(
                            JSONNumber(40 * 86_400_000)),
                    ])
            ])
            let bought = SystemClock().now() - .seconds(600)
            let taken = bought + .seconds(60)
            let worth: JSONValue = ["amount": ["units": "4999", "asset": "USD"]]
            platform.append([
                shop.purchase(
                    "bea", order: "1", properties: worth, at: bought, receivedAt: taken),
                shop.purchase(
                    "bea", order: "2", at: taken + .seconds(3600), receivedAt: taken),
            ])
            _ = try await harness.ended(2)
            let asked = platform.state.withLock { state in
                state.conversions.sorted { $0.subject < $1.subject }
            }
            #expect(asked.map(\.kind) == [.purchase, .purchase])
            #expect(asked.map(\.value) == [.dollars(4999), nil])
            #expect(
                asked.map { $0.occurredAt.description }
                    == [bought + ahead, taken + ahead].map(\.description))
            #expect(asked.allSatisfy { $0.participantID == shop.participant("bea") })
            #expect(asked.allSatisfy { $0.runID != nil && !$0.dryRun })
        }
    }

    @Test(arguments: [
        "eligibility/check", "conversions/check", "links/issue", "rewards/grant",
        "notifications/send",
    ])
    func `a service that is away for a while delays a run and changes nothing else`(path: String)
        async throws
    {
        try await run(destinationURL: "https://shop.example/") { harness in
            let platform = harness.platform
            platform.change { $0.awayPaths = [path] }
            platform.append([harness.shop.purchase("bea", order: "1001")])
            try await eventually("some step is being tried again") {
                try await harness.firstRun()?["steps"]?.array?.contains {
                    $0["status"] == "retrying" && ($0["failures"]?.integer ?? 0) > 1
                } ?? false
            }
            platform.change { $0.awayPaths = [] }
            #expect(try await harness.outcome() == "rewarded")
            #expect(platform.grants.count == 2)
            #expect(platform.keys("grant").count == 1)
            #expect(platform.state.withLock { $0.messages.count } == 2)
        }
    }

    @Test(arguments: ["conversions/check", "rewards/grant", "notifications/send"])
    func `a run whose engine was killed goes on and repeats no effect`(path: String) async throws {
        try await run(destinationURL: "https://shop.example/") { harness in
            let platform = harness.platform
            platform.change { $0.awayPaths = [path] }
            platform.append([harness.shop.purchase("bea", order: "1001")])
            try await eventually("some step is being tried again") {
                try await harness.firstRun()?["steps"]?.array?.contains {
                    $0["status"] == "retrying"
                } ?? false
            }
            await harness.stop(abruptly: true)
            platform.change { $0.awayPaths = [] }
            try await harness.start()
            #expect(try await harness.outcome(within: .seconds(40)) == "rewarded")
            for (path, count) in [
                ("eligibility/check", 2), ("conversions/check", 1), ("links/issue", 1),
                ("grant", 1), ("notifications/send", 2),
            ] {
                #expect(platform.calls(path).count == count, "\(path)")
            }
        }
    }

    @Test func `a paused campaign holds a run between attribution and rewards`() async throws {
        try await run { harness in
            let (platform, shop) = (harness.platform, harness.shop)
            platform.change { $0.awayPaths = ["grant"] }
            platform.append([shop.purchase("bea", order: "1")])
            try await harness.waitForStep("grant", "retrying")
            try platform.tell(
                CampaignMessage.paused, shop.bothSides(.conversion, .paused, destinationURL: nil))
            try await harness.waitForStep("grant", "done")
            platform.change { $0.awayPaths = [] }
            try await harness.waitForStep("resumed:grant:1", "retrying")
            #expect(platform.grants.isEmpty)
            try platform.tell(
                CampaignMessage.resumed, shop.bothSides(.conversion, destinationURL: nil))
            #expect(try await harness.outcome() == "rewarded")
            #expect(platform.grants.count == 2)
            #expect(platform.calls("grant").count == 1)
        }
    }

    @Test func `a campaign that ended settles both sides of what was decided and offers no link`()
        async throws
    {
        try await run(destinationURL: "https://shop.example/") { harness in
            let (platform, shop) = (harness.platform, harness.shop)
            platform.change { $0.awayPaths = ["conversions/check"] }
            platform.append([shop.purchase("bea", order: "1")])
            try await harness.waitForStep("conversion", "retrying")
            try platform.tell(CampaignMessage.closed, shop.bothSides(.conversion, .closed))
            try await harness.caughtUp()
            platform.change { $0.awayPaths = [] }
            let run = try await harness.ended()[0]
            #expect(run["outcome"] == "rewarded")
            #expect(run["link"] == nil || run["link"] == .null)
            #expect(platform.grants.count == 2)
            #expect(platform.calls("links/issue").isEmpty)
        }
    }

    @Test func `one shop's sign-ups and purchases are runs of their own`() async throws {
        try await run { harness in
            let (platform, shop) = (harness.platform, harness.shop)
            let bea = shop.participant("bea").description
            // Even an order that is named like a person.
            platform.append([shop.signup("bea"), shop.purchase("bea", order: bea)])
            let run = try await harness.ended()[0]
            #expect(run["pulse"] == "conversion")
            try await harness.caughtUp()
            #expect(try await harness.runs().count == 1)
        }
    }
}
