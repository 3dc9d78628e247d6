import Contracts
import Foundation
import HTTPKit
import Kernel
import TestKit
import Testing

@testable import EventService

/// Whether webhooks that the senders' own libraries sign are taken, and what those refuse is not.
@Suite(
    .timeLimit(.minutes(2)),
    .enabled(if: Peers.areInstalled, "Tests/Peers/run --venv makes what this needs"))
struct WebhookInPeerTests {
    private let secrets: [String: (ours: String, others: String)] = [
        "shopify": ("shpss_0123456789abcdef", "shpss_fedcba9876543210"),
        "stripe": ("whsec_0123456789abcdefGHIJ", "whsec_fedcba9876543210GHIJ"),
        "standard": (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
        ),
    ]

    private var bodies: [String: String] {
        [
            "shopify": ShopifySamples.order(), "standard": CustomTests.body,
            "stripe": StripeSamples.event(
                "invoice.paid", StripeSamples.invoice("subscription_cycle")),
        ]
    }

    @Test func `every delivery is judged as the sender's library judges it`() async throws {
        var document: [String: JSONValue] = [
            "now": .number(JSONNumber(Int(SystemClock().now().unixSeconds)))
        ]
        for (name, pair) in secrets {
            document[name] = [
                "secret": .string(pair.ours), "other": .string(pair.others),
                "body": .string(bodies[name] ?? ""),
            ]
        }
        let path = try Repository.scratchDirectory("webhooks-in") + "/case.json"
        try Data(JSONCoding.encode(JSONValue.object(document))).write(to: URL(filePath: path))
        let output = try await Peers.run("webhooks_in.py", [path])
        let deliveries = try #require(
            try JSONCoding.parse(Array(output.utf8))["deliveries"]?.array)
        try await EventHarness.run { harness in
            var ids: [String: String] = [:]
            for (name, kind) in [("shopify", WebhookKind.shopify), ("stripe", .stripe)] {
                ids[name] = try await harness.source(kind, secret: secrets[name]?.ours).id
            }
            ids["standard"] = try await harness.source(
                .custom, secret: secrets["standard"]?.ours,
                settings: try JSONCoding.parse(Array(CustomTests.settings.utf8))
            ).id
            for delivery in deliveries {
                var headers = HTTPHeaders()
                for (name, value) in delivery["headers"]?.object ?? [:] {
                    headers.add(name, value.string ?? "")
                }
                let answer = try await harness.hook(
                    ids[delivery["source"]?.string ?? ""] ?? "", headers,
                    Array((delivery["body"]?.string ?? "").utf8))
                #expect(answer.status == (delivery["valid"] == true ? 200 : 401), "\(delivery)")
            }
            #expect(deliveries.count == 20)
            let types = Set(try await harness.taken().map(\.type))
            #expect(types == ["purchase_completed", "subscription_renewed"])
        }
    }
}
