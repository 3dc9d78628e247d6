import Foundation
import HTTPKit
import Kernel
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import EventService

@Suite(.timeLimit(.minutes(2))) struct PaceTests {
    private func events(_ ids: ClosedRange<Int>, of person: String = "user-1") -> String {
        let events = ids.map {
            #"{"event":"page_viewed","event_id":"\#(person)-\#($0)","#
                + #""occurred_at":"2026-01-31T09:30:00Z","participant_id":"\#(person)"}"#
        }
        return "[\(events.joined(separator: ","))]"
    }

    @Test func `a client that sends too many events is told when to send them again`()
        async throws
    {
        try await EventHarness.run(["GRAPEVINE_EVENT_EVENTS_PER_SECOND": "4"]) { harness in
            let first = try await harness.ingest(events(1...40), key: harness.keys.secret.text)
            #expect(first.body["accepted"] == 40)
            let refused = try await harness.post(
                "/v1/sdk/events", Array(#"{"events":\#(events(41...41))}"#.utf8),
                [
                    "Content-Type": "application/json",
                    "Authorization": "Bearer \(harness.keys.publishable.text)",
                ])
            #expect(refused.status == 429)
            #expect(try JSONCoding.parse(refused.body)["code"] == "rate_limited")
            let wait = try #require(refused.headers["Retry-After"].flatMap { Int($0) })
            #expect((1...10).contains(wait))
            #expect(try await harness.logged().count == 40)
        }
    }

    @Test func `a client that sends a little too fast is slowed down and not refused`()
        async throws
    {
        try await EventHarness.run(["GRAPEVINE_EVENT_EVENTS_PER_SECOND": "1"]) { harness in
            // Two of them in one second suffice; each is sent when the one before was answered.
            for number in 1...20 where try await !slowed(harness) {
                let sent = try await harness.ingest(
                    events(number...number), key: harness.keys.secret.text)
                #expect(sent.body["accepted"] == 1)
            }
            #expect(try await slowed(harness))
        }
    }

    @Test
    func `of a crowd only those whose turn comes soon pass, and afterwards there is room again`()
        async throws
    {
        let metrics = Metrics()
        let pace = EventPace(eventsPerSecond: 1, eventsPerMinute: 1, metrics: metrics)
        let client = ClientID(UUID())
        let now = Timestamp(microseconds: 1_800_000_000_000_000)
        for round in 0..<2 {
            let passed = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        do {
                            try await pace.admit(
                                client, bodyBytes: 100, at: now + .seconds(round * 10))
                            return true
                        } catch {
                            return false
                        }
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(passed == 2)
        }
        #expect(metrics.render().contains("grapevine_event_slowed_total 2"))
        #expect(
            metrics.render().contains(
                #"grapevine_rate_limited_total{policy="client_events"} 196"#))
    }

    private func slowed(_ harness: EventHarness) async throws -> Bool {
        let metrics = try await harness.http.send(.init(url: harness.service.url + "/metrics"))
        let lines = String(decoding: metrics.body, as: UTF8.self).split(separator: "\n")
        let line = lines.first { $0.hasPrefix("grapevine_event_slowed_total") }
        return try #require(line).last != "0"
    }

    @Test func `one person cannot send without end from a browser, and a server may`()
        async throws
    {
        let settings = ["GRAPEVINE_EVENT_PARTICIPANT_EVENTS_PER_MINUTE": "3"]
        try await EventHarness.run(settings) { harness in
            let sent = try await harness.ingest(
                events(1...5), key: harness.keys.publishable.text)
            #expect(sent.status == 202)
            let results = try #require(sent.body["results"]?.array)
            #expect(
                results.map { $0["status"] }
                    == ["accepted", "accepted", "accepted", "rejected", "rejected"])
            #expect(results[3]["code"] == "participant_rate_limited")
            #expect(results[3]["pointer"] == "/participant_id")
            let other = try await harness.ingest(
                events(1...3, of: "user-2"), key: harness.keys.publishable.text)
            #expect(other.body["accepted"] == 3)
            let server = try await harness.ingest(events(4...9), key: harness.keys.secret.text)
            #expect(server.body["accepted"] == 6)
        }
    }
}
