import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import Synchronization
import TestKit
import Testing

@testable import WorkflowService

/// What the service asks of the log: its instructions, and what active campaigns wait for.
@Suite(.serialized, .timeLimit(.minutes(3))) struct WantedEventsTests {
    private func buying(_ shop: Shop, _ status: CampaignStatus = .active) -> CampaignDefinition {
        shop.campaign(status, pulse: .conversion)
    }

    @Test func `an event that its campaign alone made wanted starts its run, in one page with it`()
        async throws
    {
        try await WorkflowHarness.run(campaign: { buying($0, .paused) }) { harness in
            let (platform, shop) = (harness.platform, harness.shop)
            try await harness.caughtUp()
            await harness.stop()
            // Nobody reads meanwhile, so that they are read together.
            platform.append([shop.purchase("early", order: "o-1")])
            try platform.tell(CampaignMessage.resumed, buying(shop))
            platform.append([
                shop.purchase("ada", order: "o-2"), shop.signup("nobody"),
                shop.purchase("bob", order: "o-3"),
            ])
            try platform.tell(CampaignMessage.paused, buying(shop, .paused))
            platform.append([shop.purchase("paused", order: "o-4")])
            // Runs that are under way wait for this.
            try platform.tell(CampaignMessage.resumed, buying(shop))
            try await harness.start()
            try await harness.start()
            let orders = Set(try await harness.ended(2).map { $0["subject"]?.string })
            #expect(orders == ["o-2", "o-3"])
            try await harness.caughtUp()
            #expect(try await harness.runs().count == 2)
        }
    }

    @Test func `a flood that no campaign waits for goes by unread`() async throws {
        try await WorkflowHarness.run { harness in
            let (platform, shop) = (harness.platform, harness.shop)
            try await harness.caughtUp()
            let before = try await harness.eventsTaken()
            platform.append((0..<1000).map { shop.signup("p\($0)", type: "page_viewed") })
            platform.append([shop.signup("ada")])
            platform.append((0..<1000).map { shop.signup("q\($0)", type: "page_viewed") })
            let outcome = try await harness.outcome()
            #expect(outcome == "rewarded")
            try await harness.caughtUp()
            // Its own messages are in the log, too.
            #expect(try await harness.eventsTaken() - before == 1)
        }
    }

    @Test func `with more triggers than can be asked for everything is read`() async throws {
        try await WorkflowHarness.run { harness in
            let (platform, shop) = (harness.platform, harness.shop)
            for number in 0..<60 {
                let other = shop.campaign(
                    id: CampaignID(UUID()),
                    triggers: (0..<10).map {
                        "an.event.with.a.long.name.\(number).\($0)"
                    })
                try platform.tell(CampaignMessage.activated, other)
            }
            platform.append([
                shop.signup("ada"), shop.signup("bob", type: "an.event.with.a.long.name.59.9"),
            ])
            let subjects = Set(try await harness.ended(2).map { $0["subject"]?.string })
            #expect(
                subjects == [
                    shop.participant("ada").description, shop.participant("bob").description,
                ])
        }
    }
}
