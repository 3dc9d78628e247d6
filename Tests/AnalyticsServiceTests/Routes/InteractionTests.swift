import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import ServiceKit
import TestKit
import Testing

@testable import AnalyticsService

@Suite struct InteractionTests {
    private func ids(
        _ query: String, _ harness: AnalyticsHarness, _ service: RunningService<AnalyticsService>
    ) async throws -> [String] {
        let page = try await harness.get("/interactions?\(query)", service)
        #expect(page.status == 200, "\(query)")
        return page.body["data"]?.array?.compactMap { $0["event_id"]?.string } ?? []
    }

    @Test func `what a person did is found by person, type, product, session and key`()
        async throws
    {
        try await AnalyticsHarness.run { harness in
            let person = ParticipantID(UUID())
            let (known, visitor) = (
                LogParticipant(
                    participantID: person, externalID: "u1", anonymousID: "a1", traits: nil),
                LogParticipant(
                    participantID: nil, externalID: nil, anonymousID: "a1", traits: nil)
            )
            let now = SystemClock().now()
            harness.log.append(
                "page_viewed", id: "page", participant: visitor, at: now - .seconds(30),
                trust: .browser, context: ["session_id": "s\"1"])
            harness.log.append(
                "referral_shared", id: "share", participant: known, at: now - .seconds(20),
                trust: .server,
                context: [
                    "session_id": "s\"1", "product_id": "shop", "dedup_key": "today",
                    "analytics_ids": ["ga": "1.2"],
                ])
            harness.log.append(
                "referral_shared", id: "other", participant: known, at: now - .seconds(10),
                trust: .server, context: ["product_id": "app", "session_id": "s2"])
            harness.log.append("reward.earned", id: "message", participant: known, at: now)
            harness.log.append(
                "page_viewed", id: "foreign", of: harness.log.other, participant: known, at: now)
            try await harness.withService { service in
                try await harness.settle()
                #expect(try await ids("", harness, service) == ["other", "share", "page"])
                let asked: [String: [String]] = [
                    "participant_id=\(person)": ["other", "share"],
                    "external_id=u1": ["other", "share"],
                    "anonymous_id=a1&event=page_viewed": ["page"],
                    "event=referral_shared&product_id=shop": ["share"],
                    "session_id=s%221": ["share", "page"], "dedup_key=today": ["share"],
                    "session_id=s": [], "external_id=u2": [],
                ]
                for (query, expected) in asked {
                    #expect(try await ids(query, harness, service) == expected, "\(query)")
                }
                let shown = try await harness.get(
                    "/interactions?dedup_key=today", service)
                let event = try #require(shown.body["data"]?.array?.first)
                #expect(event["product_id"] == "shop" && event["session_id"] == "s\"1")
                #expect(event["analytics_ids"]?["ga"] == "1.2")
                #expect(event["anonymous_id"] == "a1" && event["external_id"] == "u1")
            }
        }
    }

    @Test(arguments: [
        "participant_id=u1", "session_id=", "product_id=\(String(repeating: "x", count: 201))",
    ])
    func `what cannot be asked is refused`(_ query: String) async throws {
        try await AnalyticsHarness.run { harness in
            try await harness.withService { service in
                let answer = try await harness.get(
                    "/interactions?\(query)", service)
                #expect(answer.status == 422 || answer.status == 400)
                let place = "?\(query.prefix { $0 != "=" })"
                #expect(answer.body["errors"]?.array?.first?["pointer"]?.string == place)
            }
        }
    }
}
