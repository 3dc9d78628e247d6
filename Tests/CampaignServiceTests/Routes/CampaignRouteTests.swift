import Contracts
import HTTPKit
import Kernel
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import CampaignService

@Suite(.timeLimit(.minutes(2))) struct CampaignRouteTests {
    @Test func `a campaign is created as a draft that only its client sees`() async throws {
        try await CampaignHarness.run { harness in
            let id = try await harness.create()
            let read = try await harness.call(.get, "/\(id)")
            #expect(read.status == 200)
            #expect(read.body["status"] == "draft")
            #expect(read.body["revision"] == 1)
            #expect(read.headers["ETag"] == "\"1\"")
            let foreign = try await harness.call(.get, "/\(id)", asOther: true)
            let unknown = try await harness.call(
                .get, "/cmp_01h455vb4pex5vsknk084sn02q", asOther: true)
            #expect(foreign.status == 404)
            #expect(foreign.body["detail"] == unknown.body["detail"])
            #expect(try await harness.call(.post, "/\(id)/activate", asOther: true).status == 404)
            #expect(try await harness.call(.get, "", asOther: true).body["data"] == [])
            #expect(harness.peers.messages.isEmpty)
        }
    }

    @Test func `activation is answered only when the log has the message`() async throws {
        try await CampaignHarness.run { harness in
            let id = try await harness.create()
            let active = try await harness.call(.post, "/\(id)/activate")
            #expect(active.status == 200)
            #expect(active.body["status"] == "active")
            let message = try #require(harness.peers.messages.first)
            #expect(message.type == CampaignMessage.activated)
            #expect(message.data["status"] == "active")
            #expect(message.campaignID?.description == id)
            for (action, type) in [
                ("pause", CampaignMessage.paused), ("resume", CampaignMessage.resumed),
                ("close", CampaignMessage.closed),
            ] {
                #expect(try await harness.call(.post, "/\(id)/\(action)").status == 200)
                #expect(harness.peers.messages.last?.type == type)
            }
            let again = try await harness.call(.post, "/\(id)/activate")
            #expect(again.status == 409)
            #expect(again.body["code"] == "illegal_transition")
        }
    }

    @Test func `while the log is away an activation is refused and made known later`() async throws
    {
        try await CampaignHarness.run { harness in
            let id = try await harness.create()
            harness.peers.setLogAway(true)
            let key = ("Idempotency-Key", "activate-1")
            let refused = try await harness.call(.post, "/\(id)/activate", headers: [key])
            #expect(refused.status == 503)
            #expect(refused.headers["Retry-After"] != nil)
            harness.peers.setLogAway(false)
            try await eventually("the message reaches the log") {
                harness.peers.messages.count == 1
            }
            let again = try await harness.call(.post, "/\(id)/activate", headers: [key])
            #expect(again.status == 200)
            #expect(again.headers["Idempotency-Replayed"] == "true")
            #expect(harness.peers.messages.count == 1)
        }
    }

    @Test func `two hundred requests with one key make one campaign`() async throws {
        try await CampaignHarness.run { harness in
            let answers = try await withThrowingTaskGroup(
                of: (status: Int, body: JSONValue, headers: HTTPHeaders).self
            ) { group in
                for _ in 0..<200 {
                    group.addTask {
                        try await harness.call(
                            .post, "", CampaignSample.document,
                            headers: [("Idempotency-Key", "create-1")])
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let bodies = answers.filter { $0.status == 201 }.map(\.body)
            #expect(Set(bodies).count == 1)
            for answer in answers where answer.status != 201 {
                #expect(answer.status == 409)
                #expect(answer.headers["Retry-After"] != nil)
            }
            let list = try await harness.call(.get, "")
            #expect(list.body["data"]?.array?.count == 1)
            let other = try await harness.call(
                .post, "", ["name": "x"], headers: [("Idempotency-Key", "create-1")])
            #expect(other.status == 400 || other.status == 422)
        }
    }

    @Test func `a change of another revision than the one in force is refused`() async throws {
        try await CampaignHarness.run { harness in
            let id = try await harness.create()
            _ = try await harness.call(.post, "/\(id)/activate")
            let changed = try await harness.call(
                .put, "/\(id)", CampaignSample.document, headers: [("If-Match", "\"1\"")])
            #expect(changed.status == 200)
            #expect(changed.body["revision"] == 2)
            #expect(harness.peers.messages.last?.type == CampaignMessage.updated)
            let late = try await harness.call(
                .put, "/\(id)", CampaignSample.document, headers: [("If-Match", "\"1\"")])
            #expect(late.status == 412)
            let revisions = try await harness.call(.get, "/\(id)/revisions")
            #expect(revisions.body["data"]?.array?.map { $0["revision"] } == [1, 2])
        }
    }

    @Test func `one of twenty simultaneous activations wins`() async throws {
        try await CampaignHarness.run { harness in
            let id = try await harness.create()
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<20 {
                    group.addTask { try await harness.call(.post, "/\(id)/activate").status }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.count { $0 == 200 } == 1)
            #expect(statuses.count { $0 == 409 } == 19)
            #expect(harness.peers.messages.count == 1)
        }
    }

    @Test func `a campaign whose period is over cannot begin and one that ends is completed`()
        async throws
    {
        let clock = TestClock(at: SystemClock().now())
        try await CampaignHarness.run(clock: clock) { harness in
            var document = try #require(CampaignSample.document.object)
            document["ends_at"] = .string((clock.now() - .seconds(1)).description)
            let over = try await harness.create(.object(document))
            let refused = try await harness.call(.post, "/\(over)/activate")
            #expect(refused.body["code"] == "period_over")
            document["ends_at"] = .string((clock.now() + .seconds(60)).description)
            let running = try await harness.create(.object(document))
            #expect(try await harness.call(.post, "/\(running)/activate").status == 200)
            try await harness.service.service.changes.completeEnded()
            #expect(try await harness.call(.get, "/\(running)").body["status"] == "active")
            clock.advance(by: .seconds(61))
            try await harness.service.service.changes.completeEnded()
            #expect(try await harness.call(.get, "/\(running)").body["status"] == "completed")
        }
    }

    @Test func `unknown fields and wrong types are named`() async throws {
        try await CampaignHarness.run { harness in
            var document = try #require(CampaignSample.document.object)
            document["spent"] = 5
            document["name"] = 7
            let answer = try await harness.call(.post, "", .object(document))
            #expect(answer.status == 400)
            #expect(answer.body["code"] == "validation_failed")
            let pointers = answer.body["errors"]?.array?.compactMap { $0["pointer"]?.string } ?? []
            #expect(pointers.contains("/spent") || pointers.contains("/name"))
        }
    }

    @Test func `a campaign keeps its referral policy and notifications through its life`()
        async throws
    {
        try await CampaignHarness.run { harness in
            let id = try await harness.create(CampaignSample.referralDocument)
            let active = try await harness.call(.post, "/\(id)/activate")
            #expect(active.status == 200)
            let told = try #require(harness.peers.messages.first).data
            #expect(told.at("referral.destination_url") == "https://shop.example/welcome")
            #expect(told.at("referral.attribution_window_seconds") == 2_592_000)
            #expect(told["notifications"]?.array?.first?["template"] == "welcome")
            #expect(told["reward_rules"]?.array?.last?["recipient"] == "referrer")
            let read = try await harness.call(.get, "/\(id)")
            #expect(read.body["referral"] == told["referral"])
        }
    }

    @Test func `a campaign that has run keeps its pulse`() async throws {
        try await CampaignHarness.run { harness in
            let id = try await harness.create(CampaignSample.referralDocument)
            var changed = try #require(CampaignSample.referralDocument.object)
            changed["pulse"] = "conversion"
            let draft = try await harness.call(.put, "/\(id)", .object(changed))
            #expect(draft.status == 200)
            #expect(draft.body["pulse"] == "conversion")
            #expect(try await harness.call(.post, "/\(id)/activate").status == 200)
            let active = try await harness.call(
                .put, "/\(id)", CampaignSample.referralDocument)
            #expect(active.status == 409)
            #expect(active.body["code"] == "pulse_fixed")
        }
    }

    @Test func `pages may know of a published campaign what they need to offer it, and no more`()
        async throws
    {
        try await CampaignHarness.run { harness in
            let id = try await harness.create(CampaignSample.referralDocument)
            #expect(try await harness.page(id).status == 404)
            _ = try await harness.call(.post, "/\(id)/activate")
            let shown = try await harness.page(id)
            #expect(shown.status == 200)
            #expect(shown.headers["Cache-Control"] == "public, max-age=60")
            #expect(shown.body["is_running"] == true)
            #expect(shown.body["destination_url"] == "https://shop.example/welcome")
            #expect(
                shown.body["rewards"]?.array?.map { $0["amount"]?["units"] } == ["1000", "2000"])
            let names = Set(shown.body.object?.keys.map { $0 } ?? [])
            #expect(
                names.isDisjoint(with: [
                    "budget", "limits", "triggers", "eligibility", "notifications", "name",
                ]))
            _ = try await harness.call(.post, "/\(id)/pause")
            #expect(try await harness.page(id).body["is_running"] == false)
            #expect(try await harness.page(id, asOther: true).status == 404)
        }
    }

    @Test func `the snippet is for the client's own campaigns and publishable keys only`()
        async throws
    {
        try await CampaignHarness.run { harness in
            let id = try await harness.create()
            let plain = try await harness.call(.get, "/\(id)/snippet")
            #expect(plain.status == 200)
            #expect(plain.body["html"]?.string?.contains(PageSnippet.keyPlaceholder) == true)
            let key = APIKeySecret.generate(kind: .publishable, mode: .test).text
            let filled = try await harness.call(.get, "/\(id)/snippet?key=\(key)")
            #expect(filled.body["html"]?.string?.contains("data-key=\"\(key)\"") == true)
            let secret = try await harness.call(
                .get, "/\(id)/snippet?key=\(harness.peers.key.text)")
            #expect(secret.status == 400)
            #expect(secret.body["code"] == "invalid_key")
            #expect(try await harness.call(.get, "/\(id)/snippet", asOther: true).status == 404)
        }
    }
}
