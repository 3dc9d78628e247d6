import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import TestKit
import Testing

@testable import ReferralService

@Suite(.timeLimit(.minutes(3))) struct ConversionTests {
    /// A campaign in which `a` has a link that `b` has followed.
    private func referred(
        _ harness: ReferralHarness, by person: String = "b", touchedAt: Timestamp? = nil
    ) async throws -> (campaign: CampaignDefinition, link: ReferralLink) {
        let campaign = try sampleCampaign(harness.client)
        let position = try harness.publish(campaign)
        let link = try await harness.issue(campaign, "a", position: position)
        harness.event(
            person: person, code: link.code, occurredAt: touchedAt ?? SystemClock().now())
        return (campaign, link)
    }

    private func failed(_ decision: ConversionDecision) -> [String] {
        decision.checks.filter { !$0.passed }.map(\.code)
    }

    @Test func `from click to conversion, each step told once`() async throws {
        try await ReferralHarness.run { harness in
            let campaign = try sampleCampaign(harness.client)
            let position = try harness.publish(campaign)
            let link = try await harness.issue(campaign, "a", position: position)
            harness.event(
                "referral_shared", person: "a",
                properties: ["code": .string(link.code), "channel": "email"])
            let click = try #require(clickID(in: try await harness.visit(link.code).headers))
            harness.event("page_viewed", visitor: "v1", click: click, trust: .browser)
            harness.event("user_signed_up", person: "b", visitor: "v1")
            let signup = try await harness.check(campaign, "b", subject: "b", kind: .signup)
            let purchase = try await harness.check(campaign, "b", subject: "order-1")
            #expect(signup.outcome == .converted && purchase.outcome == .converted)
            #expect(purchase.referrerID == .named("a", of: harness.client))
            #expect(purchase.linkID == link.linkID)
            #expect(purchase.conversionID != signup.conversionID)
            let told = try await harness.messages(ReferralMessage.converted, count: 2)
            #expect(told.count == 2)
            #expect(told[1].data["click_id"]?.string == click)
            #expect(told[1].data["kind"] == "purchase")
            #expect(told[1].data["subject"] == "order-1")
            #expect(told[1].data["value"]?["units"] == "1000")
            #expect(told[1].data["conversion_id"]?.string == purchase.conversionID?.description)
            let shared = try await harness.messages(ReferralMessage.shared, count: 1)
            #expect(shared[0].data["channel"] == "email")
            let attributed = try await harness.messages(ReferralMessage.attributed, count: 1)
            #expect(attributed.count == 1)
            #expect(attributed[0].data["click_id"]?.string == click)
            #expect(
                attributed[0].data["participant_id"]?.string
                    == ParticipantID.named("b", of: harness.client).description)
            #expect(
                harness.faults.reached.isSuperset(of: Set(ReferralCrashPoint.all)),
                "the journey reaches every crash point")
        }
    }

    @Test func `one order told twenty times at the same time is one conversion`() async throws {
        try await ReferralHarness.run { harness in
            let (campaign, _) = try await referred(harness)
            let decisions = try await atOnce(20) { _ in try await harness.check(campaign, "b") }
            #expect(!decisions.contains { $0.outcome != .converted })
            #expect(Set(decisions.map(\.conversionID)).count == 1)
            #expect(Set(decisions.map(\.decisionID)).count == 20)
            #expect(Set(decisions.map(\.checks)).count == 1)
            #expect(try await harness.count("referral_conversion") == 1)
            #expect(try await harness.count("conversion_decision") == 20)
            let told = try await harness.messages(ReferralMessage.converted, count: 1)
            #expect(told.count == 1)
        }
    }

    @Test func `a key has one decision, however often it is asked`() async throws {
        try await ReferralHarness.run { harness in
            let (campaign, _) = try await referred(harness)
            let decisions = try await atOnce(20) { _ in
                try await harness.check(campaign, "b", key: "step-1")
            }
            #expect(Set(decisions).count == 1)
            #expect(try await harness.count("conversion_decision") == 1)
            await expectRefusal("idempotency_key_reused") {
                try await harness.check(campaign, "b", subject: "order-2", key: "step-1")
            }
            await expectRefusal("idempotency_key_reused") {
                try await harness.check(campaign, "c", key: "step-1")
            }
        }
    }

    @Test func `an order is one person's conversion only`() async throws {
        try await ReferralHarness.run { harness in
            let (campaign, link) = try await referred(harness)
            harness.event(person: "c", code: link.code)
            let (first, second) = (
                try await harness.check(campaign, "b"), try await harness.check(campaign, "c")
            )
            #expect(first.outcome == .converted)
            #expect(second.outcome == .refused)
            #expect(failed(second) == ["subject_new"])
            #expect(second.conversionID == nil && second.referrerID == nil)
            let id = try #require(second.decisionID)
            let stored = try await harness.get("/conversions/decisions/\(id)")
            #expect(stored.body["reason"] == "subject_taken")
            // Different people at the same moment: one of them, told to all.
            let raced = try await atOnce(10) { number in
                try await harness.check(
                    campaign, number.isMultiple(of: 2) ? "b" : "c", subject: "order-2")
            }
            #expect(Set(raced.compactMap(\.conversionID)).count == 1)
            #expect(raced.count { $0.outcome == .converted } == 5)
        }
    }

    @Test func `nobody's link, or one too long ago, is nothing to book`() async throws {
        try await ReferralHarness.run { harness in
            let month = Duration.seconds(30 * 86_400)
            let (campaign, _) = try await referred(
                harness, touchedAt: SystemClock().now() - month - .seconds(60))
            let nobody = try await harness.check(campaign, "x", subject: "order-x")
            #expect(nobody.outcome == .unattributed)
            #expect(failed(nobody) == ["attributed"])
            let late = try await harness.check(campaign, "b")
            #expect(late.outcome == .unattributed)
            #expect(failed(late) == ["within_window"])
            let inTime = try await harness.check(
                campaign, "b", subject: "order-2",
                occurredAt: SystemClock().now() - .seconds(3600))
            #expect(inTime.outcome == .converted)
        }
    }

    @Test func `the window is the asking campaign's, whoever's link it was`() async throws {
        try await ReferralHarness.run { harness in
            _ = try await referred(harness, touchedAt: SystemClock().now() - .seconds(7200))
            let short = try sampleCampaign(
                harness.client,
                referral: ReferralPolicy(destinationURL: nil, attributionWindowSeconds: 3600))
            let none = try sampleCampaign(harness.client, referral: nil)
            try harness.publish(short)
            try harness.publish(none)
            #expect(try await harness.check(short, "b").outcome == .unattributed)
            #expect(try await harness.check(none, "b").outcome == .converted)
        }
    }

    @Test func `nobody refers themselves`() async throws {
        try await ReferralHarness.run { harness in
            let (campaign, link) = try await referred(harness, by: "a")
            let own = try await harness.check(campaign, "a")
            #expect(own.outcome == .refused)
            #expect(failed(own) == ["not_self_referral"])
            // A second account with the same mailbox, written in another way.
            harness.event(person: "a", traits: ["email": "Ann.B@gmail.com"])
            harness.event(
                person: "a2", code: link.code, traits: ["email": "annb+2@googlemail.com"])
            let mailbox = try await harness.check(campaign, "a2", subject: "order-2")
            #expect(mailbox.outcome == .refused)
            #expect(failed(mailbox) == ["not_same_email"])
            // A second account in the browser in which the first one is at home.
            harness.event(person: "a", visitor: "v9")
            harness.event(person: "a3", visitor: "v9", code: link.code)
            let browser = try await harness.check(campaign, "a3", subject: "order-3")
            #expect(browser.outcome == .refused)
            #expect(failed(browser) == ["not_same_visitor"])
            // A friend with a mailbox and a browser of their own.
            harness.event(
                person: "b", visitor: "v8", code: link.code, traits: ["email": "b@gmail.com"])
            #expect(
                try await harness.check(campaign, "b", subject: "order-4").outcome == .converted)
            let texts = try await harness.postgres.query(
                "select encode(email_hash, 'escape') as text from referral_email")
            for row in texts {
                #expect(try !row.get("text", as: String.self).contains("gmail"))
            }
        }
    }

    @Test func `a circle is refused with its reason`() async throws {
        try await ReferralHarness.run { harness in
            let (campaign, _) = try await referred(harness)
            let back = try await harness.issue(campaign, "b")
            harness.event(person: "a", code: back.code)
            let circle = try await harness.check(campaign, "a")
            #expect(circle.outcome == .refused)
            #expect(failed(circle) == ["not_circular"])
            #expect(try await harness.count("referral_attribution") == 1)
        }
    }

    @Test func `a trial keeps nothing`() async throws {
        try await ReferralHarness.run { harness in
            let (campaign, _) = try await referred(harness)
            let trial = try await harness.check(campaign, "b", dryRun: true)
            #expect(trial.outcome == .converted)
            #expect(trial.decisionID == nil && trial.conversionID == nil)
            #expect(try await harness.count("conversion_decision") == 0)
            let real = try await harness.check(campaign, "b")
            let again = try await harness.check(campaign, "b", dryRun: true)
            #expect(again.conversionID == real.conversionID)
        }
    }

    @Test func `what cannot be kept or is not known is refused`() async throws {
        try await ReferralHarness.run { harness in
            let (campaign, _) = try await referred(harness)
            for subject in ["", "a\0b", String(repeating: "x", count: 201)] {
                await expectRefusal("validation_failed") {
                    try await harness.check(campaign, "b", subject: subject)
                }
            }
            let unknown = try sampleCampaign(harness.client)
            await expectRefusal("campaign_unknown") { try await harness.check(unknown, "b") }
            let later = try sampleCampaign(
                harness.client, id: campaign.campaignID, revision: 7)
            await expectRefusal("campaign_unknown") { try await harness.check(later, "b") }
        }
    }
}
