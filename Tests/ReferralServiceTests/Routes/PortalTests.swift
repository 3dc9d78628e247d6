import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import TestKit
import Testing

@testable import ReferralService

@Suite(.timeLimit(.minutes(3))) struct PortalTests {
    /// `a` has brought so many people, each with one order.
    private func play(
        _ harness: ReferralHarness, people: Int
    ) async throws -> (campaign: CampaignDefinition, link: ReferralLink) {
        let campaign = try sampleCampaign(harness.client)
        let position = try harness.publish(campaign)
        let link = try await harness.issue(campaign, "a", position: position)
        for number in 0..<people {
            harness.event(person: "p\(number)", code: link.code)
            _ = try await harness.check(campaign, "p\(number)", subject: "order-\(number)")
        }
        return (campaign, link)
    }

    private func data(_ answer: ReferralHarness.Answer) -> [JSONValue] {
        answer.body["data"]?.array ?? []
    }

    @Test func `a client sees its links, referrals, conversions and decisions`() async throws {
        try await ReferralHarness.run { harness in
            let (campaign, link) = try await play(harness, people: 1)
            let a = ParticipantID.named("a", of: harness.client)
            let links = try await harness.get(
                "/links?campaign_id=\(campaign.campaignID)&participant_id=\(a)")
            #expect(data(links).map { $0["url"]?.string } == [link.url])
            let referrals = try await harness.get("/referrals?referrer_id=\(a)")
            #expect(data(referrals).map { $0["code"]?.string } == [link.code])
            #expect(data(referrals)[0]["click_id"] == .null)
            let conversions = try await harness.get(
                "/conversions?campaign_id=\(campaign.campaignID)&referrer_id=\(a)")
            let conversion = try #require(data(conversions).first)
            #expect(conversion["subject"] == "order-0")
            #expect(conversion["value"] == ["units": "1000", "asset": "USD"])
            let id = conversion["conversion_id"]?.string ?? ""
            #expect(try await harness.get("/conversions/\(id)").body == conversion)
            let decision = try await harness.get(
                "/conversions/decisions/\(conversion["decision_id"]?.string ?? "")"
            ).body
            #expect(decision["outcome"] == "converted")
            #expect(decision["rule_version"] == 1)
            #expect(decision["checks"]?.array?.count == 7)
            #expect(decision["inputs"]?["touch"]?["code"]?.string == link.code)
            #expect(decision["inputs"]?["window_seconds"] == 2_592_000)
        }
    }

    @Test func `a trial tells what would be decided and why`() async throws {
        try await ReferralHarness.run { harness in
            let (campaign, _) = try await play(harness, people: 1)
            func trial(_ person: String, _ more: String = "") async throws -> JSONValue {
                let id = ParticipantID.named(person, of: harness.client)
                return try await harness.post(
                    "/conversions/check",
                    """
                    {"campaign_id":"\(campaign.campaignID)","kind":"purchase",\
                    "participant_id":"\(id)"\(more)}
                    """
                ).body
            }
            #expect(try await trial("p0", #","subject":"new""#)["outcome"] == "converted")
            #expect(
                try await trial("p0", #","subject":"new","occurred_at":"2020-01-01T00:00:00Z""#)[
                    "reason"] == "within_window")
            let nobody = try await trial("x")
            #expect(nobody["outcome"] == "unattributed")
            #expect(nobody["reason"] == "attributed")
            #expect(nobody["conversion_id"] == .null)
            #expect(try await harness.count("conversion_decision") == 1)
        }
    }

    @Test func `another client's rows are as if they were not there`() async throws {
        try await ReferralHarness.run { harness in
            let (campaign, link) = try await play(harness, people: 1)
            let a = ParticipantID.named("a", of: harness.client)
            let mine = try await harness.get("/conversions")
            let conversion = data(mine)[0]["conversion_id"]?.string ?? ""
            let decision = data(mine)[0]["decision_id"]?.string ?? ""
            let other = harness.peers.other
            for (theirs, nobodys) in [
                ("/conversions/\(conversion)", "/conversions/\(ConversionID(UUID()))"),
                (
                    "/conversions/decisions/\(decision)",
                    "/conversions/decisions/\(ConversionDecisionID(UUID()))"
                ),
            ] {
                #expect(try await harness.get(theirs).status == 200)
                let one = try await harness.get(theirs, as: other)
                let none = try await harness.get(nobodys, as: other)
                #expect(one.status == 404)
                #expect(one.body["code"] == none.body["code"])
                #expect(one.body["detail"] == none.body["detail"])
            }
            for list in [
                "/links", "/links?campaign_id=\(campaign.campaignID)",
                "/links?participant_id=\(a)", "/referrals", "/referrals?referrer_id=\(a)",
                "/conversions", "/conversions?campaign_id=\(campaign.campaignID)",
                "/links?cursor=\(LinkID(UUID()))", "/conversions?cursor=\(conversion)",
            ] {
                #expect(data(try await harness.get(list, as: other)).isEmpty, "\(list)")
            }
            let trial = try await harness.post(
                "/conversions/check",
                """
                {"campaign_id":"\(campaign.campaignID)","kind":"signup","participant_id":"\(a)"}
                """, as: other)
            #expect(trial.status == 404)
            // A code in another client's event is no touch there.
            harness.event(of: other.clientID, person: "z", code: link.code)
            try await harness.settle()
            #expect(data(try await harness.get("/referrals", as: other)).isEmpty)
        }
    }

    @Test func `lists come in pages, newest first`() async throws {
        try await ReferralHarness.run { harness in
            let (campaign, _) = try await play(harness, people: 5)
            for person in ["b", "c", "d", "e"] { _ = try await harness.issue(campaign, person) }
            for (path, member) in [
                ("/links", "link_id"), ("/referrals", "referral_id"),
                ("/conversions", "conversion_id"),
            ] {
                var seen: [String] = []
                var cursor = ""
                repeat {
                    let page = try await harness.get("\(path)?limit=2\(cursor)")
                    seen += data(page).compactMap { $0[member]?.string }
                    cursor = page.body["next_cursor"]?.string.map { "&cursor=\($0)" } ?? ""
                } while !cursor.isEmpty
                #expect(seen.count == 5, "\(path)")
                #expect(seen == seen.sorted(by: >))
            }
        }
    }

    @Test func `what cannot be read is refused with its place`() async throws {
        try await ReferralHarness.run { harness in
            let reads: [(String, String)] = [
                ("/links?campaign_id=x", "validation_failed"), ("/links?limit=0", "invalid_limit"),
                ("/links?limit=201", "invalid_limit"), ("/links?cursor=x", "invalid_cursor"),
                ("/links?cursor=\(ConversionID(UUID()))", "invalid_cursor"),
                ("/referrals?referrer_id=a", "validation_failed"),
                ("/referrals?cursor=%00", "malformed_query"),
                ("/conversions?campaign_id=cmp_1", "validation_failed"),
                ("/conversions/x", "not_found"), ("/conversions/decisions/x", "not_found"),
                ("/conversions/\(LinkID(UUID()))", "not_found"),
            ]
            for (path, code) in reads {
                let answer = try await harness.get(path)
                if path.contains("%00") {
                    #expect(answer.status == 400)
                } else {
                    #expect(answer.body["code"]?.string == code, "\(path)")
                }
            }
            let person = ParticipantID.named("a", of: harness.client)
            let campaign = CampaignID(UUID())
            let asked = #""campaign_id":"\#(campaign)","participant_id":"\#(person)""#
            let bodies: [(String, String)] = [
                ("{", "malformed_json"), ("", "body_required"), ("{}", "validation_failed"),
                ("{\(asked)}", "validation_failed"),
                (#"{\#(asked),"kind":"gift"}"#, "validation_failed"),
                (#"{\#(asked),"kind":"signup","more":1}"#, "validation_failed"),
                (#"{\#(asked),"kind":"signup","subject":""}"#, "validation_failed"),
                (#"{\#(asked),"kind":"signup","subject":"a\u0000b"}"#, "validation_failed"),
                (#"{\#(asked),"kind":"signup","occurred_at":"today"}"#, "validation_failed"),
                (#"{\#(asked),"kind":"signup","value":{"units":1}}"#, "validation_failed"),
                (#"{\#(asked),"kind":"signup"}"#, "campaign_unknown"),
            ]
            for (body, code) in bodies {
                let answer = try await harness.post("/conversions/check", body)
                #expect(answer.body["code"]?.string == code, "\(body)")
            }
        }
    }
}
