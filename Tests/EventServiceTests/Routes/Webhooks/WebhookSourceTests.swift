import FoundationEssentials
import HTTPKit
import Kernel
import TestKit
import Testing

@testable import EventService

@Suite(.timeLimit(.minutes(2))) struct WebhookSourceTests {
    private let secret = "shpss_0123456789abcdef0123456789abcdef"
    private let newSecret = "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"

    private func isTaken(
        _ harness: EventHarness, _ id: String, signedWith secret: String
    ) async throws -> Bool {
        let body = ShopifySamples.order()
        let answer = try await harness.hook(
            id, Sender.shopify("orders/paid", body, secret: secret), Array(body.utf8))
        #expect([200, 401].contains(answer.status))
        return answer.status == 200
    }

    @Test func `while a secret is changed the old and the new one count`() async throws {
        try await EventHarness.run { harness in
            let (id, _) = try await harness.source(.shopify, secret: secret)
            #expect(try await isTaken(harness, id, signedWith: secret))
            #expect(try await !isTaken(harness, id, signedWith: newSecret))
            let path = "/webhook-sources/\(id)/rotate-secret"
            let missing = try await harness.portal(.post, path, [:])
            #expect(missing.status == 400)
            let rotated = try await harness.portal(
                .post, path, ["secret": .string(newSecret), "keep_previous_seconds": 3600])
            #expect(rotated.status == 200)
            #expect(rotated.body["previous_secret_until"]?.string != nil)
            #expect(!rotated.text.contains("shpss"))
            #expect(try await isTaken(harness, id, signedWith: secret))
            #expect(try await isTaken(harness, id, signedWith: newSecret))
            let third = "shpss_00000000000000001111111111111111"
            _ = try await harness.portal(
                .post, path, ["secret": .string(third), "keep_previous_seconds": 0])
            #expect(try await !isTaken(harness, id, signedWith: secret))
            #expect(try await !isTaken(harness, id, signedWith: newSecret))
            #expect(try await isTaken(harness, id, signedWith: third))
        }
    }

    @Test func `a secret is shown once, is stored sealed, and a repeat does not show it`()
        async throws
    {
        try await EventHarness.run { harness in
            let body: JSONValue = [
                "kind": "custom", "name": "Till",
                "settings": try JSONCoding.parse(Array(CustomTests.settings.utf8)),
            ]
            let made = try await harness.portal(.post, "/webhook-sources", body, once: "k")
            #expect(made.status == 201)
            #expect(made.headers["Cache-Control"] == "no-store")
            let shown = try #require(made.body["secret"]?.string)
            let again = try await harness.portal(.post, "/webhook-sources", body, once: "k")
            #expect(again.headers["Idempotency-Replayed"] == "true")
            #expect(again.body["source_id"] == made.body["source_id"])
            let id = try #require(made.body["source_id"]?.string)
            let read = try await harness.portal(.get, "/webhook-sources/\(id)")
            let list = try await harness.portal(.get, "/webhook-sources")
            for answer in [again, read, list] { #expect(!answer.text.contains("whsec_")) }
            #expect(list.body["data"]?.array?.count == 1)
            #expect(read.body["settings"]?["mapping"]?["subject"] == ["pointer": "/data/order~1id"])
            let rotated = try await harness.portal(
                .post, "/webhook-sources/\(id)/rotate-secret", [:])
            #expect(rotated.body["secret"]?.string?.hasPrefix("whsec_") == true)
            #expect(rotated.body["secret"]?.string != shown)
        }
    }

    @Test func `a source is changed in what is said and in nothing else`() async throws {
        try await EventHarness.run { harness in
            let (id, _) = try await harness.source(
                .shopify, secret: secret, settings: ["shop_domain": "example.myshopify.com"])
            let path = "/webhook-sources/\(id)"
            let named = try await harness.portal(.patch, path, ["name": "Another"])
            #expect(named.body["name"] == "Another")
            #expect(named.body["settings"] == ["shop_domain": "example.myshopify.com"])
            let set = try await harness.portal(
                .patch, path, ["settings": ["participant": ["email"]]])
            #expect(set.body["name"] == "Another")
            #expect(set.body["settings"] == ["participant": ["email"]])
            #expect(try await isTaken(harness, id, signedWith: secret))
            let (custom, _) = try await harness.source(
                .custom, secret: nil,
                settings: try JSONCoding.parse(Array(CustomTests.settings.utf8)))
            let plain = CustomTests.settings.replacing(
                #"{"scheme":"standard"}"#, with: #"{"scheme":"hmac","header":"X-Sig"}"#)
            let changed = try await harness.portal(
                .patch, "/webhook-sources/\(custom)",
                ["settings": try JSONCoding.parse(Array(plain.utf8))])
            #expect(changed.status == 409)
            #expect(changed.body["code"] == "signature_scheme_fixed")
        }
    }

    @Test func `what cannot work is refused with its place`() async throws {
        try await EventHarness.run { harness in
            let good: JSONValue = .string(secret)
            let cases: [(body: JSONValue, pointer: String)] = [
                (["kind": "shopify", "name": "a"], "/secret"),
                (["kind": "stripe", "name": "a", "secret": good], "/secret"),
                (["kind": "shopify", "name": "", "secret": good], "/name"),
                (
                    [
                        "kind": "shopify", "name": "a", "secret": good,
                        "settings": ["participant": ["phone"]],
                    ], "/settings/participant/0"
                ),
                (["kind": "custom", "name": "a"], "/settings/signature"),
                (["kind": "paypal", "name": "a"], "/kind"),
            ]
            for (body, pointer) in cases {
                let answer = try await harness.portal(.post, "/webhook-sources", body)
                #expect(answer.status == 400)
                let pointers = answer.body["errors"]?.array?.map { $0["pointer"]?.string }
                #expect(pointers == [pointer])
            }
        }
    }

    @Test func `a dry run shows the event, or what does not fit, and writes nothing`() async throws
    {
        try await EventHarness.run { harness in
            let settings = try JSONCoding.parse(Array(CustomTests.settings.utf8))
            let (id, _) = try await harness.source(.custom, secret: nil, settings: settings)
            let path = "/webhook-sources/\(id)/dry-run"
            let body = try JSONCoding.parse(Array(CustomTests.body.utf8))
            let fits = try await harness.portal(.post, path, ["body": body])
            #expect(fits.status == 200)
            #expect(fits.body["outcome"] == "event")
            #expect(fits.body["event"]?["event"] == "purchase_completed")
            #expect(fits.body["event"]?["subject"] == "1002")
            let other = try await harness.portal(
                .post, path, ["body": ["type": "order.made"]])
            #expect(other.body["outcome"] == "ignored")
            #expect(other.body["reason"] == "unknown_topic")
            let tried = CustomTests.settings.replacing("/data/buyer/id", with: "/data/seller")
            let misfit = try await harness.portal(
                .post, path,
                ["body": body, "settings": try JSONCoding.parse(Array(tried.utf8))])
            #expect(misfit.body["outcome"] == "unusable")
            #expect(misfit.body["problems"]?.array?.first?["code"] == "participant_required")
            let (shop, _) = try await harness.source(.shopify, secret: secret)
            let order = try await harness.portal(
                .post, "/webhook-sources/\(shop)/dry-run",
                [
                    "headers": ["X-Shopify-Topic": "orders/paid"],
                    "body": try JSONCoding.parse(Array(ShopifySamples.order().utf8)),
                ])
            #expect(order.body["event"]?["participant_id"] == "115310627314723954")
            #expect(try await harness.taken().isEmpty)
            let notes = try await harness.portal(.get, "/webhook-sources/\(id)/notes")
            #expect(notes.body["data"]?.array?.isEmpty == true)
        }
    }

    @Test func `another client's sources are as unknown as sources that nobody has`() async throws {
        try await EventHarness.run { harness in
            let (id, _) = try await harness.source(.shopify, secret: secret)
            let nobodys = "whs_01h455vb4pex5vsknk084sn02q"
            let calls: [(HTTPMethod, String, JSONValue?)] = [
                (.get, "", nil), (.get, "/notes", nil), (.patch, "", ["name": "mine"]),
                (.post, "/rotate-secret", ["secret": .string(newSecret)]),
                (.post, "/dry-run", ["body": [:]]), (.post, "/disable", nil),
                (.post, "/enable", nil), (.delete, "", nil),
            ]
            for (method, path, body) in calls {
                var answers: [Answer] = []
                for source in [id, nobodys] {
                    answers.append(
                        try await harness.portal(
                            method, "/webhook-sources/\(source)\(path)", body,
                            key: harness.keys.stranger))
                }
                #expect(answers.map(\.status) == [404, 404], "\(method) \(path)")
                #expect(answers[0].body["detail"] == answers[1].body["detail"])
            }
            let list = try await harness.portal(
                .get, "/webhook-sources", key: harness.keys.stranger)
            #expect(list.body["data"]?.array?.isEmpty == true)
            #expect(try await isTaken(harness, id, signedWith: secret))
            #expect(try await harness.taken().count == 1)
            let gone = try await harness.portal(.delete, "/webhook-sources/\(id)")
            #expect(gone.status == 204)
            let body = ShopifySamples.order()
            let late = try await harness.hook(
                id, Sender.shopify("orders/paid", body, secret: secret), Array(body.utf8))
            #expect(late.status == 404)
        }
    }

    @Test func `lists come in pages`() async throws {
        try await EventHarness.run { harness in
            for _ in 0..<3 { _ = try await harness.source(.shopify, secret: secret) }
            let first = try await harness.portal(.get, "/webhook-sources?limit=2")
            #expect(first.body["data"]?.array?.count == 2)
            let cursor = try #require(first.body["next_cursor"]?.string)
            let rest = try await harness.portal(.get, "/webhook-sources?limit=2&cursor=\(cursor)")
            #expect(rest.body["data"]?.array?.count == 1)
            #expect(rest.body["next_cursor"] == .null)
        }
    }
}
