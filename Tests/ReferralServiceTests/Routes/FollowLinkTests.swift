import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import TestKit
import Testing

@testable import ReferralService

@Suite(.timeLimit(.minutes(3))) struct FollowLinkTests {
    private func open(
        _ harness: ReferralHarness, endsAt: Timestamp? = nil
    ) async throws -> (campaign: CampaignDefinition, link: ReferralLink) {
        let campaign = try sampleCampaign(harness.client, endsAt: endsAt)
        let position = try harness.publish(campaign)
        return (campaign, try await harness.issue(campaign, "a", position: position))
    }

    @Test func `a visit is recorded, told of, and sent on with its click`() async throws {
        try await ReferralHarness.run { harness in
            let (campaign, link) = try await open(harness)
            let answer = try await harness.visit(link.code.lowercased())
            #expect(answer.status == 302)
            let click = try #require(clickID(in: answer.headers))
            #expect(ClickID(click) != nil)
            #expect(
                answer.headers["Location"]
                    == "https://shop.example/welcome?from=friend&gv_click=\(click)"
                    + "&gv_code=\(link.code)#top")
            #expect(
                answer.headers["Set-Cookie"]
                    == "gv_click=\(click); Path=/; Max-Age=2592000; SameSite=Lax; HttpOnly")
            #expect(answer.headers["Cache-Control"] == "no-store")
            #expect(answer.headers["Referrer-Policy"] == "strict-origin-when-cross-origin")
            let told = try await harness.messages(ReferralMessage.clicked, count: 1)[0]
            #expect(told.campaignID == campaign.campaignID)
            #expect(told.subject == click)
            #expect(told.data["click_id"]?.string == click)
            #expect(told.data["participant_id"] == nil)
            let row = try #require(
                try await harness.postgres.queryOne(
                    "select client_id, link_id, address_hash, user_agent_hash from referral_click"))
            #expect(try row.get("client_id", as: ClientID.self) == harness.client)
            #expect(try row.get("link_id", as: LinkID.self) == link.linkID)
            #expect(try row.get("address_hash", as: [UInt8].self).count == 32)
            #expect(
                harness.faults.reached.isSuperset(of: [
                    ReferralCrashPoint.clickBeforeCommit, ReferralCrashPoint.clickAfterCommit,
                ]))
        }
    }

    @Test func `over https the cookie is for https only`() async throws {
        try await ReferralHarness.run(
            ["GRAPEVINE_REFERRAL_PUBLIC_URL": "https://go.example/"]
        ) { harness in
            let (_, link) = try await open(harness)
            #expect(link.url == "https://go.example/r/\(link.code)")
            let answer = try await harness.visit(link.code)
            #expect(answer.headers["Set-Cookie"]?.hasSuffix("; HttpOnly; Secure") == true)
        }
    }

    @Test func `what is no person's visit leads on and is no click`() async throws {
        try await ReferralHarness.run { harness in
            let (_, link) = try await open(harness)
            let looks: [(HTTPMethod, HTTPHeaders)] = [
                (.head, [:]), (.get, ["Purpose": "prefetch"]),
                (.get, ["Sec-Purpose": "prefetch;prerender"]), (.get, ["X-Moz": "prefetch"]),
                (.get, ["User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"]),
                (.get, ["User-Agent": "facebookexternalhit/1.1"]),
            ]
            for (method, headers) in looks {
                let answer = try await harness.visit(link.code, method: method, headers: headers)
                #expect(answer.status == 302)
                #expect(
                    answer.headers["Location"]
                        == "https://shop.example/welcome?from=friend&gv_code=\(link.code)#top")
                #expect(answer.headers["Set-Cookie"] == nil)
            }
            #expect(try await harness.count("referral_click") == 0)
        }
    }

    @Test func `a campaign that is not running leads on without a click`() async throws {
        try await ReferralHarness.run { harness in
            let (campaign, link) = try await open(harness)
            let ended = try await open(
                harness, endsAt: SystemClock().now() - .seconds(60))
            for status in [CampaignStatus.paused, .closed] {
                try harness.publish(
                    sampleCampaign(harness.client, id: campaign.campaignID, status: status),
                    CampaignMessage.paused)
                try await harness.settle()
                for code in [link.code, ended.link.code] {
                    let answer = try await harness.visit(code)
                    #expect(answer.status == 302)
                    #expect(
                        answer.headers["Location"]
                            == "https://shop.example/welcome?from=friend#top")
                    #expect(answer.headers["Set-Cookie"] == nil)
                }
            }
            harness.say(
                ClientMessage.statusChanged,
                try JSONCoding.parse(
                    JSONCoding.encode(
                        ClientChange(
                            status: .suspended, mode: .live, businessClockOffsetMilliseconds: 0))),
                of: harness.client)
            try harness.publish(campaign, CampaignMessage.resumed)
            try await harness.settle()
            #expect(try await harness.visit(link.code).headers["Set-Cookie"] == nil)
            #expect(try await harness.count("referral_click") == 0)
        }
    }

    @Test func `another page of an allowed host may be asked for, no other place`() async throws {
        try await ReferralHarness.run { harness in
            let (_, link) = try await open(harness)
            let chosen = try await harness.visit("\(link.code)?to=https%3A%2F%2Fblog.example%2Fa")
            #expect(
                chosen.headers["Location"]?.hasPrefix("https://blog.example/a?gv_click=") == true)
            for place in [
                "https://evil.example/", "https%3A%2F%2Fshop.example%40evil.example%2F",
                "//evil.example", "https%3A%5C%5Cevil.example", "javascript:alert(1)", "",
                "https://shop.example:8443/", "https://shop.example/%0d%0aX:y",
                "https://shop.example/&to=https://shop.example/",
            ] {
                let answer = try await harness.visit("\(link.code)?to=\(place)")
                #expect(answer.status == 400, "\(place)")
                #expect(answer.headers["Location"] == nil)
                let code = try JSONCoding.parse(answer.body)["code"]?.string
                #expect(code == "destination_not_allowed")
            }
            #expect(try await harness.count("referral_click") == 1)
        }
    }

    @Test(arguments: ["BCDFGHJK", "x", "BCDFGHJ0", "%00", "BCDFGHJK%2F..", "..%2F..%2Fetc"])
    func `a code that nobody has is not found`(_ path: String) async throws {
        try await ReferralHarness.run { harness in
            let answer = try await harness.visit(path)
            // Some never get as far as the route.
            #expect([400, 404].contains(answer.status))
            #expect(answer.headers["Location"] == nil)
        }
    }

    @Test func `a click of a client in test mode is at the client's own time`() async throws {
        try await ReferralHarness.run { harness in
            let change = ClientChange(
                status: .active, mode: .test, businessClockOffsetMilliseconds: 86_400_000)
            harness.say(
                ClientMessage.settingsChanged, try JSONCoding.parse(JSONCoding.encode(change)),
                of: harness.client)
            let (_, link) = try await open(harness)
            let before = SystemClock().now()
            _ = try await harness.visit(link.code)
            let row = try #require(
                try await harness.postgres.queryOne("select clicked_at from referral_click"))
            let clickedAt: Timestamp = try row.get("clicked_at")
            #expect(clickedAt >= before + .seconds(86_400))
            #expect(clickedAt <= SystemClock().now() + .seconds(86_400))
        }
    }

    @Test func `one address cannot visit or guess without end`() async throws {
        let redis = try await TestRedis.make()
        try await ReferralHarness.run(
            [
                "GRAPEVINE_REFERRAL_CLICKS_PER_MINUTE": "20",
                "GRAPEVINE_REFERRAL_UNKNOWN_CODES_PER_MINUTE": "3",
            ], redisURL: redis.url
        ) { harness in
            let (_, link) = try await open(harness)
            var statuses: [Int] = []
            for _ in 0..<5 { statuses.append(try await harness.visit("BCDFGHJK").status) }
            #expect(statuses == [404, 404, 404, 429, 429])
            #expect(try await harness.visit(link.code).status == 302, "links still work")
            var refused: HTTPHeaders?
            for _ in 0..<20 where refused == nil {
                let answer = try await harness.visit(link.code)
                if answer.status == 429 { refused = answer.headers }
            }
            #expect(refused?["Retry-After"] != nil)
        }
    }
}
