import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import MessagingKit
import SecurityKit
import TestKit
import Testing

@testable import EventService

@Suite(.timeLimit(.minutes(2))) struct ReceiveWebhookTests {
    private let secret = "shpss_0123456789abcdef0123456789abcdef"

    private func send(
        _ harness: EventHarness, _ id: String, _ topic: String, _ body: String,
        secret: String? = nil, event: String = UUID().uuidString, webhook: String = "w"
    ) async throws -> Answer {
        try await harness.hook(
            id,
            Sender.shopify(
                topic, body, secret: secret ?? self.secret, event: event, webhook: webhook),
            Array(body.utf8))
    }

    @Test func `a shop's paid order is in the log once, with the trust of a webhook`() async throws
    {
        try await EventHarness.run { harness in
            let (id, made) = try await harness.source(.shopify, secret: secret)
            #expect(made["url"]?.string?.hasSuffix("/v1/hooks/\(id)") == true)
            #expect(made["secret"] == nil)
            let body = ShopifySamples.order()
            let first = try await send(harness, id, "orders/paid", body, event: "e")
            #expect(first.status == 200)
            #expect(first.body["status"] == "accepted")
            let again = try await send(harness, id, "orders/paid", body, event: "e", webhook: "w2")
            #expect(again.body["status"] == "duplicate")
            #expect(again.body["event_id"] == first.body["event_id"])
            let events = try await harness.taken()
            #expect(events.count == 1)
            let event = try #require(events.first)
            #expect(event.type == "purchase_completed")
            #expect(event.trust == .webhook)
            #expect(event.subject == "820982911946154508")
            #expect(
                event.participant?.participantID
                    == .derived(client: harness.keys.clientID, externalID: "115310627314723954"))
            #expect(event.context?["referral"]?["code"] == "BCDF2345")
            #expect(event.context?["webhook"]?["source_id"] == .string(id))
            #expect(event.context?["webhook"]?["topic"] == "orders/paid")
        }
    }

    @Test func `the page's purchase and the shop's have one subject, and ids of their own`()
        async throws
    {
        try await EventHarness.run { harness in
            let (id, _) = try await harness.source(.shopify, secret: secret)
            let known = try await send(
                harness, id, "orders/paid", ShopifySamples.order(), event: "e")
            let taken = try #require(known.body["event_id"]?.string)
            // A browser that takes the id first keeps no order out of the log.
            let other = ShopifySamples.order(id: "7")
            let foretold = taken.replacing("820982911946154508", with: "7")
            _ = try await harness.ingest(
                """
                [{"event":"purchase_completed","event_id":"\(foretold)",
                "occurred_at":"2026-11-21T10:00:00Z","participant_id":"115310627314723954",
                "subject":"820982911946154508"}]
                """, key: harness.keys.publishable.text)
            let second = try await send(harness, id, "orders/paid", other, event: "e")
            #expect(second.body["status"] == "accepted")
            #expect(second.body["event_id"]?.string == foretold)
            let events = try await harness.taken()
            #expect(
                events.map(\.subject) == ["820982911946154508", "820982911946154508", "7"])
            #expect(events.map(\.trust) == [.webhook, .browser, .webhook])
        }
    }

    @Test func `a touched body, another secret and no signature are refused, and nothing is said`()
        async throws
    {
        try await EventHarness.run { harness in
            let (id, _) = try await harness.source(.shopify, secret: secret)
            let body = ShopifySamples.order()
            let signed = Sender.shopify("orders/paid", body, secret: secret)
            let refused = [
                try await harness.hook(id, signed, Array((body + " ").utf8)),
                try await harness.hook(id, signed, Array("{".utf8)),
                try await harness.hook(id, [:], Array(body.utf8)),
                try await send(harness, id, "orders/paid", body, secret: secret + "x"),
            ]
            for answer in refused {
                #expect(answer.status == 401)
                #expect(answer.body["code"] == "invalid_signature")
                #expect(!answer.text.contains("shpss"))
            }
            #expect(try await harness.taken().isEmpty)
            let notes = try await harness.portal(.get, "/webhook-sources/\(id)/notes")
            #expect(notes.body["data"]?.array?.isEmpty == true, "strangers fill no table")
        }
    }

    @Test func `an address that is nobody's, one that is off, and a large body`() async throws {
        try await EventHarness.run { harness in
            let (id, _) = try await harness.source(.shopify, secret: secret)
            let body = ShopifySamples.order()
            for address in ["whs_01h455vb4pex5vsknk084sn02q", "x", "\(id)x"] {
                let answer = try await send(harness, address, "orders/paid", body)
                #expect(answer.status == 404)
                #expect(answer.body["code"] == "webhook_source_unknown")
            }
            _ = try await harness.portal(.post, "/webhook-sources/\(id)/disable")
            #expect(try await send(harness, id, "orders/paid", body).status == 410)
            _ = try await harness.portal(.post, "/webhook-sources/\(id)/enable")
            let large = String(repeating: " ", count: ReceiveWebhook.maximumBytes) + body
            #expect(try await send(harness, id, "orders/paid", large).status == 413)
            #expect(try await send(harness, id, "orders/paid", body).body["status"] == "accepted")
        }
    }

    @Test func `a suspended client's webhooks are refused until it is active again`() async throws {
        try await EventHarness.run { harness in
            let (id, _) = try await harness.source(.shopify, secret: secret)
            func tell(_ status: String, _ second: Int) async throws {
                _ = try await HTTPLog(peer: harness.peer).append([
                    LogMessage(
                        id: "status/\(second)", type: ClientMessage.statusChanged,
                        clientID: harness.keys.clientID,
                        occurredAt: try #require(Timestamp(unixSeconds: 1_700_000_000 + second)),
                        data: ["status": .string(status), "mode": "live"])
                ])
            }
            try await tell("suspended", 2)
            try await tell("active", 1)
            let refused = try await send(harness, id, "orders/paid", ShopifySamples.order())
            #expect(refused.status == 403)
            #expect(refused.body["code"] == "client_suspended")
            try await tell("active", 3)
            let taken = try await send(harness, id, "orders/paid", ShopifySamples.order())
            #expect(taken.body["status"] == "accepted")
        }
    }

    @Test func `what comes to nothing is accepted with a trace`() async throws {
        try await EventHarness.run { harness in
            let (id, _) = try await harness.source(.shopify, secret: secret)
            for _ in 0..<3 {
                let answer = try await send(harness, id, "products/update", "{}")
                #expect(answer.status == 200)
                #expect(answer.body["status"] == "ignored")
                #expect(answer.body["reason"] == "unknown_topic")
            }
            let unusable = try await send(harness, id, "orders/paid", "{}")
            #expect(unusable.status == 200)
            #expect(unusable.body["reason"] == "unusable")
            let notes = try await harness.portal(.get, "/webhook-sources/\(id)/notes")
            let rows = try #require(notes.body["data"]?.array)
            #expect(
                rows.map { [$0["topic"], $0["reason"], $0["count"]] } == [
                    ["orders/paid", "unusable", 1], ["products/update", "unknown_topic", 3],
                ])
            #expect(try await harness.taken().isEmpty)
        }
    }

    @Test func `refunds and privacy requests are taken without a person`() async throws {
        try await EventHarness.run { harness in
            let (id, _) = try await harness.source(.shopify, secret: secret)
            for (topic, body) in [
                ("refunds/create", ShopifySamples.refund),
                ("customers/data_request", ShopifySamples.dataRequest),
                ("customers/redact", ShopifySamples.customerRedact),
                ("shop/redact", ShopifySamples.shopRedact),
            ] {
                let answer = try await send(harness, id, topic, body)
                #expect(answer.body["status"] == "accepted", "\(topic): \(answer.body)")
            }
            let events = try await harness.taken()
            #expect(events.count == 4)
            #expect(events.allSatisfy { $0.participant == nil && $0.trust == .webhook })
        }
    }

    @Test func `fifty deliveries of one order at once leave it in the log once`() async throws {
        try await EventHarness.run { harness in
            let (id, _) = try await harness.source(.shopify, secret: secret)
            let body = ShopifySamples.order()
            let accepted = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<50 {
                    group.addTask {
                        let answer = try await send(
                            harness, id, "orders/paid", body, event: "e", webhook: "w\(number)")
                        #expect(answer.status == 200)
                        return answer.body["status"] == "accepted" ? 1 : 0
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(accepted == 1)
            #expect(try await harness.taken().count == 1)
        }
    }

    @Test func `Stripe's events are taken while their time is right`() async throws {
        try await EventHarness.run { harness in
            let secret = "whsec_0123456789abcdef0123456789abcdef"
            let (id, _) = try await harness.source(.stripe, secret: secret)
            let body = StripeSamples.event("checkout.session.completed", StripeSamples.session())
            let now = SystemClock().now().unixSeconds
            for seconds in [now - 400, now + 400] {
                let old = try await harness.hook(
                    id, Sender.stripe(body, secret: secret, at: seconds), Array(body.utf8))
                #expect(old.status == 401)
            }
            let taken = try await harness.hook(
                id, Sender.stripe(body, secret: secret), Array(body.utf8))
            #expect(taken.body["status"] == "accepted")
            // Stripe signs each attempt anew.
            let again = try await harness.hook(
                id, Sender.stripe(body, secret: secret, at: now - 60), Array(body.utf8))
            #expect(again.body["status"] == "duplicate")
            #expect(try await harness.taken().map(\.subject) == ["pi_3MtwBwLkdIwHu7ix28a3tqPa"])
        }
    }

    @Test func `a system of the client's own is told what does not fit`() async throws {
        try await EventHarness.run { harness in
            let settings = try JSONCoding.parse(Array(CustomTests.settings.utf8))
            let (id, made) = try await harness.source(.custom, secret: nil, settings: settings)
            let secret = try #require(made["secret"]?.string)
            func post(_ body: String, _ message: String) async throws -> Answer {
                try await harness.hook(
                    id, try Sender.standard(body, secret: secret, id: message), Array(body.utf8))
            }
            #expect(try await post(CustomTests.body, "msg_1").body["status"] == "accepted")
            #expect(try await post(CustomTests.body, "msg_1").body["status"] == "duplicate")
            let odd = try await post(CustomTests.body.replacing("19.90", with: "19.905"), "msg_2")
            #expect(odd.status == 422)
            #expect(odd.body["errors"]?.array?.first?["pointer"] == "/data/total")
            let nobody = try await post(
                CustomTests.body.replacing("buyer", with: "seller"), "msg_3")
            #expect(nobody.body["errors"]?.array?.first?["code"] == "participant_required")
            #expect(try await harness.taken().map(\.subject) == ["1002"])
        }
    }
}
