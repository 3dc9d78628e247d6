import Foundation
import HTTPKit
import Kernel
import PostgresKit
import ServiceKit
import TestKit
import Testing

@testable import NotificationService

/// Whether the PyPI package of the Standard Webhooks project takes what we send.
@Suite(
    .timeLimit(.minutes(2)),
    .enabled(if: Peers.areInstalled, "Tests/Peers/run --venv makes what this needs"))
struct WebhookPeerTests {
    @Test func `the reference verifier takes each signature, and none that was touched`()
        async throws
    {
        let receiver = try WebhookReceiver()
        try await NotificationHarness.run { harness in
            let created = try await harness.call(
                .post, "/webhooks", ["url": .string(receiver.url), "types": ["*"]])
            let id = try #require(created.body["webhook_id"]?.string)
            let first = try #require(created.body["secret"]?.string)
            harness.peers.log.publish(
                "reward.fulfilled", ["name": "Grüße 😀"], client: harness.client)
            try await eventually("it is delivered") { receiver.deliveries.count == 1 }
            let rotated = try await harness.call(.post, "/webhooks/\(id)/rotate-secret")
            let second = try #require(rotated.body["secret"]?.string)
            harness.peers.log.publish("campaign.paused", [:], client: harness.client)
            try await eventually("both are delivered") { receiver.deliveries.count == 2 }

            let deliveries = receiver.deliveries.map { delivery in
                [
                    "body": String(decoding: delivery.body, as: UTF8.self),
                    "headers": Dictionary(
                        delivery.headers.fields.map { ($0.name.lowercased(), $0.value) },
                        uniquingKeysWith: { $1 }),
                ] as [String: Any]
            }
            let document: [String: Any] = [
                "secrets": [[first], [first, second]], "deliveries": deliveries,
            ]
            let path = try Repository.scratchDirectory("webhooks") + "/deliveries.json"
            try JSONSerialization.data(withJSONObject: document).write(to: URL(filePath: path))
            try await Peers.run("webhook_check.py", [path])
        }
        await receiver.stop()
    }
}
