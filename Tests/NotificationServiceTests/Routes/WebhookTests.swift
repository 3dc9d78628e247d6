import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import NotificationService

@Suite(.timeLimit(.minutes(4))) struct WebhookTests {
    /// A service and a receiver that is set up as a webhook.
    private func run(
        _ answers: [HTTPResponse] = [], types: [JSONValue] = ["reward.*"],
        configure: (inout NotificationConfiguration) -> Void = { _ in },
        _ body: (NotificationHarness, WebhookReceiver, _ id: String, WebhookSecret) async throws ->
            Void
    ) async throws {
        let receiver = try WebhookReceiver(answers)
        try await NotificationHarness.run(configure: configure) { harness in
            let created = try await harness.call(
                .post, "/webhooks",
                ["url": .string(receiver.url), "types": .array(types)])
            #expect(created.status == 201)
            let id = try #require(created.body["webhook_id"]?.string)
            let secret = try #require(
                created.body["secret"]?.string.flatMap { WebhookSecret(text: $0) })
            try await body(harness, receiver, id, secret)
        }
        await receiver.stop()
    }

    private func deliveries(
        _ harness: NotificationHarness, _ id: String
    ) async throws -> [JSONValue] {
        try await harness.call(.get, "/webhooks/\(id)/deliveries").body["data"]?.array ?? []
    }

    @Test func `a message is delivered once, signed, in the form of Standard Webhooks`()
        async throws
    {
        try await run { harness, receiver, id, secret in
            harness.peers.log.publish(
                "reward.fulfilled",
                ["reward_id": "r-1", "units": .number(JSONNumber(text: "1e2"))],
                client: harness.client, id: "evt-1")
            harness.peers.log.publish("workflow.completed", [:], client: harness.client)
            harness.peers.log.publish(
                "reward.fulfilled", ["forged": true], client: harness.client, trust: .server)
            harness.peers.log.publish(
                "reward.fulfilled", [:], client: harness.peers.other.clientID)
            harness.peers.log.publish("reward.expired", ["last": true], client: harness.client)
            try await eventually("both are delivered") { receiver.deliveries.count == 2 }
            let first = try #require(
                receiver.deliveries.first { $0.json["type"] == "reward.fulfilled" })
            #expect(first.headers["Content-Type"] == "application/json")
            #expect(first.json["data"]?["reward_id"] == "r-1")
            #expect(first.json["timestamp"]?.string.flatMap { Timestamp($0) } != nil)
            let (name, time) = (
                try #require(first.id),
                try #require(first.headers["webhook-timestamp"].flatMap { Int64($0) })
            )
            #expect(name.hasPrefix("whd_"))
            #expect(
                first.headers["webhook-signature"]
                    == secret.signature(of: first.body, id: name, seconds: time))
            try await eventually("both are recorded") {
                try await deliveries(harness, id).allSatisfy { $0["status"] == "delivered" }
            }
            let shown = try await harness.call(.get, "/webhooks/\(id)/deliveries/\(name)").body
            #expect(shown["delivery"]?["event_id"] == "evt-1")
            #expect(shown["attempts"]?.array?.first?["code"] == "204")
            #expect(receiver.deliveries.count == 2)
        }
    }

    @Test func `a receiver that fails is tried again with the same id`() async throws {
        let answers = [
            HTTPResponse(status: 500),
            HTTPResponse(status: 302, headers: ["Location": "http://x/"]),
            HTTPResponse(status: 404),
        ]
        try await run(answers) { harness, receiver, id, _ in
            harness.peers.log.publish("reward.fulfilled", [:], client: harness.client)
            try await eventually("it is delivered at last") {
                try await deliveries(harness, id).first?["status"] == "delivered"
            }
            #expect(receiver.deliveries.count == 4)
            #expect(Set(receiver.deliveries.map(\.id)).count == 1)
            #expect(Set(receiver.deliveries.map(\.body)).count == 1)
            let name = try #require(receiver.deliveries.first?.id)
            let shown = try await harness.call(.get, "/webhooks/\(id)/deliveries/\(name)").body
            let codes = (shown["attempts"]?.array ?? []).map { $0["code"]?.string }
            #expect(codes == ["500", "302", "404", "204"])
        }
    }

    @Test func `what fails to the end can be sent again by hand`() async throws {
        let answers = Array(repeating: HTTPResponse(status: 500), count: 6)
        try await run(answers) { harness, receiver, id, _ in
            harness.peers.log.publish("reward.fulfilled", [:], client: harness.client)
            try await eventually("it is given up") {
                try await deliveries(harness, id).first?["status"] == "failed"
            }
            #expect(receiver.deliveries.count == 6)
            let name = try #require(receiver.deliveries.first?.id)
            let path = "/webhooks/\(id)/deliveries/\(name)/replay"
            #expect(
                try await harness.call(.post, path, as: harness.peers.other).status == 404)
            let replayed = try await harness.call(.post, path)
            #expect(replayed.status == 202)
            try await eventually("it is delivered") {
                try await deliveries(harness, id).first?["status"] == "delivered"
            }
            #expect(receiver.deliveries.count == 7)
            #expect(Set(receiver.deliveries.map(\.id)).count == 1)
        }
    }

    @Test func `a receiver that is gone switches the webhook off`() async throws {
        try await run([HTTPResponse(status: 410)]) { harness, receiver, id, _ in
            harness.peers.log.publish("reward.fulfilled", [:], client: harness.client)
            try await eventually("it is off") {
                try await harness.call(.get, "/webhooks/\(id)").body["status"] == "disabled"
            }
            let shown = try await harness.call(.get, "/webhooks/\(id)").body
            #expect(shown["reason"] == "receiver_gone")
            harness.peers.log.publish("reward.fulfilled", [:], client: harness.client)
            let name = try #require(receiver.deliveries.first?.id)
            let replay = try await harness.call(
                .post, "/webhooks/\(id)/deliveries/\(name)/replay")
            #expect(replay.body["code"] == "webhook_disabled")
            try await eventually("the next event is passed") {
                let row = try await harness.postgres.queryOne(
                    "select position from messaging_cursor where subscriber = 'notification'")
                return try row?.get("position") ?? 0 >= harness.peers.log.head
            }
            #expect(try await deliveries(harness, id).count == 1)
            let on = try await harness.call(.post, "/webhooks/\(id)/enable")
            #expect(on.body["status"] == "enabled")
            harness.peers.log.publish("reward.failed", [:], client: harness.client)
            try await eventually("it is told again") { receiver.deliveries.count == 2 }
        }
    }

    @Test func `a receiver that asks for time is given it`() async throws {
        let later = HTTPResponse(status: 429, headers: ["Retry-After": "3600"])
        try await run([later]) { harness, receiver, id, _ in
            harness.peers.log.publish("reward.fulfilled", [:], client: harness.client)
            try await eventually("it waits") {
                try await deliveries(harness, id).first?["last_code"] == "429"
            }
            let shown = try #require(try await deliveries(harness, id).first)
            let due = try #require(shown["due_at"]?.string.flatMap { Timestamp($0) })
            #expect(due - SystemClock().now() > .seconds(3000))
            #expect(receiver.deliveries.count == 1)
        }
    }

    @Test func `a receiver that talks too long is still one that took it`() async throws {
        let long = HTTPResponse.text(String(repeating: "x", count: 500_000))
        try await run([long]) { harness, receiver, id, _ in
            harness.peers.log.publish("reward.fulfilled", [:], client: harness.client)
            try await eventually("it is delivered") {
                try await deliveries(harness, id).first?["status"] == "delivered"
            }
            #expect(receiver.deliveries.count == 1)
        }
    }

    @Test func `while secrets are changed both sign, and none is shown twice`() async throws {
        try await run { harness, receiver, id, old in
            let rotated = try await harness.call(.post, "/webhooks/\(id)/rotate-secret", key: "r")
            let new = try #require(
                rotated.body["secret"]?.string.flatMap { WebhookSecret(text: $0) })
            #expect(new != old)
            let again = try await harness.call(.post, "/webhooks/\(id)/rotate-secret", key: "r")
            #expect(again.body["secret"] == nil)
            for path in ["/webhooks", "/webhooks/\(id)"] {
                let text = "\(try await harness.call(.get, path).body)"
                #expect(!text.contains("whsec_"))
            }
            harness.peers.log.publish("reward.fulfilled", [:], client: harness.client)
            try await eventually("it is delivered") { receiver.deliveries.count == 1 }
            let delivery = try #require(receiver.deliveries.first)
            let (name, time) = (
                try #require(delivery.id),
                try #require(delivery.headers["webhook-timestamp"].flatMap { Int64($0) })
            )
            let wanted = [new, old].map {
                $0.signature(of: delivery.body, id: name, seconds: time)
            }
            #expect(delivery.headers["webhook-signature"] == wanted.joined(separator: " "))
            let rows = try await harness.postgres.query("select * from idempotency_key")
            #expect(rows.count == 1)
            let stored = try await harness.postgres.queryOne(
                "select encode(body, 'escape') as body from idempotency_key")
            #expect(!(try stored?.get("body", as: String.self).contains("whsec_") ?? false))
        }
    }

    @Test func `an address inside is never called`() async throws {
        let receiver = try WebhookReceiver()
        try await NotificationHarness.run(configure: { $0.allowsPrivateTargets = false }) {
            harness in
            for url in ["http://shop.example/hook", receiver.url] {
                let refused = try await harness.call(
                    .post, "/webhooks", ["url": .string(url), "types": ["*"]])
                #expect(refused.status == 400)
            }
            let created = try await harness.call(
                .post, "/webhooks",
                ["url": .string("https://localhost:\(receiver.port)/hook"), "types": ["*"]])
            let id = try #require(created.body["webhook_id"]?.string)
            harness.peers.log.publish("reward.fulfilled", [:], client: harness.client)
            try await eventually("it is given up") {
                try await deliveries(harness, id).first?["status"] == "failed"
            }
            #expect(try await deliveries(harness, id).first?["last_code"] == "target_refused")
            #expect(receiver.deliveries.isEmpty)
        }
        await receiver.stop()
    }

    @Test func `another client sees and changes nothing`() async throws {
        try await run { harness, receiver, id, _ in
            let other = harness.peers.other
            harness.peers.log.publish("reward.fulfilled", [:], client: harness.client)
            try await eventually("it is delivered") { receiver.deliveries.count == 1 }
            let name = try #require(receiver.deliveries.first?.id)
            for path in ["", "/deliveries", "/deliveries/\(name)"] {
                #expect(
                    try await harness.call(.get, "/webhooks/\(id)\(path)", as: other).status == 404)
            }
            for path in ["/enable", "/disable", "/rotate-secret", "/deliveries/\(name)/replay"] {
                #expect(
                    try await harness.call(.post, "/webhooks/\(id)\(path)", as: other).status
                        == 404)
            }
            #expect(try await harness.call(.delete, "/webhooks/\(id)", as: other).status == 404)
            #expect(
                try await harness.call(.get, "/webhooks", as: other).body["data"]?.array?.isEmpty
                    ?? false)
            #expect(try await harness.call(.delete, "/webhooks/\(id)").status == 204)
            #expect(try await harness.call(.get, "/webhooks/\(id)").status == 404)
        }
    }

    @Test func `wrong requests are refused with the place`() async throws {
        try await NotificationHarness.run { harness in
            let url: JSONValue = "https://shop.example/hook"
            let cases: [(JSONValue, String)] = [
                (["types": ["*"]], "/url"), (["url": url], "/types"),
                (["url": url, "types": []], "/types"), (["url": url, "types": ["x"]], "/types/0"),
                (["url": url, "types": ["*", "client.created"]], "/types/1"),
                (["url": "https://shop.example:25/", "types": ["*"]], "/url"),
                (["url": "x", "types": ["*"]], "/url"), (["url": 1, "types": ["*"]], "/url"),
                (["url": url, "types": "*"], "/types"),
                (["url": url, "types": ["*"], "secret": "x"], "/secret"),
            ]
            for (body, pointer) in cases {
                let answer = try await harness.call(.post, "/webhooks", body)
                #expect(answer.status == 400)
                #expect(answer.body["errors"]?.array?.first?["pointer"]?.string == pointer)
            }
            for _ in 0..<WebhookRules.maximumPerClient {
                let made = try await harness.call(
                    .post, "/webhooks", ["url": url, "types": ["*"]])
                #expect(made.status == 201)
            }
            let more = try await harness.call(.post, "/webhooks", ["url": url, "types": ["*"]])
            #expect(more.body["code"] == "too_many_webhooks")
        }
    }
}
