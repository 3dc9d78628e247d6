import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import TestKit
import Testing

@testable import ReferralService

@Suite(.timeLimit(.minutes(3))) struct LinkTests {
    @Test func `fifty calls at the same time give one link and tell of it once`() async throws {
        try await ReferralHarness.run { harness in
            let campaign = try sampleCampaign(harness.client)
            let position = try harness.publish(campaign)
            let links = try await atOnce(50) { _ in
                try await harness.issue(campaign, "a", position: position)
            }
            #expect(Set(links).count == 1)
            let link = try #require(links.first)
            #expect(ReferralCode(link.code)?.text == link.code)
            #expect(link.url == "http://127.0.0.1:8080/r/\(link.code)")
            #expect(try await harness.count("referral_link") == 1)
            let told = try await harness.messages(ReferralMessage.linkIssued, count: 1)
            #expect(told.count == 1)
            #expect(told[0].campaignID == campaign.campaignID)
            #expect(told[0].data["code"]?.string == link.code)
            #expect(
                harness.faults.reached.isSuperset(of: [
                    ReferralCrashPoint.linkBeforeCommit, ReferralCrashPoint.linkAfterCommit,
                ]))
        }
    }

    @Test func `people and campaigns have links of their own`() async throws {
        try await ReferralHarness.run { harness in
            let one = try sampleCampaign(harness.client)
            let two = try sampleCampaign(harness.client)
            try harness.publish(one)
            let position = try harness.publish(two)
            let links = [
                try await harness.issue(one, "a", position: position),
                try await harness.issue(one, "b", position: position),
                try await harness.issue(two, "a", position: position),
            ]
            #expect(Set(links.map(\.code)).count == 3)
            #expect(links[2].campaignID == two.campaignID)
        }
    }

    @Test func `a link is refused where there is nothing to link to`() async throws {
        try await ReferralHarness.run { harness in
            let none = try sampleCampaign(harness.client, referral: nil)
            let nowhere = try sampleCampaign(
                harness.client, referral: ReferralPolicy(destinationURL: nil))
            let closed = try sampleCampaign(harness.client)
            for campaign in [none, nowhere, closed] { try harness.publish(campaign) }
            let position = try harness.publish(closed)
            let link = try await harness.issue(closed, "early", position: position)
            try harness.publish(
                sampleCampaign(harness.client, id: closed.campaignID, status: .closed),
                CampaignMessage.closed)
            try await harness.settle()
            await expectRefusal("links_not_offered") { try await harness.issue(none, "a") }
            await expectRefusal("links_not_offered") { try await harness.issue(nowhere, "a") }
            await expectRefusal("campaign_not_active") { try await harness.issue(closed, "a") }
            let unknown = try sampleCampaign(harness.client)
            await expectRefusal("campaign_unknown") { try await harness.issue(unknown, "a") }
            // Who has one keeps it.
            #expect(try await harness.issue(closed, "early") == link)
        }
    }

    @Test func `what a client says of campaigns itself is not believed`() async throws {
        try await ReferralHarness.run { harness in
            let campaign = try sampleCampaign(harness.client)
            try harness.publish(campaign, trust: .server)
            try await harness.settle()
            await expectRefusal("campaign_unknown") { try await harness.issue(campaign, "a") }
        }
    }
}
