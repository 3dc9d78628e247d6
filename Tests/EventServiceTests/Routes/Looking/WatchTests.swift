import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import EventService

@Suite(.serialized, .timeLimit(.minutes(5))) struct WatchTests {
    private func event(_ id: String, _ type: String = "user_signed_up") -> String {
        #"{"event":"\#(type)","event_id":"\#(id)","occurred_at":"2026-01-31T09:30:00Z","#
            + #""participant_id":"user-1"}"#
    }

    /// The stream, read by curl for as long as this is kept.
    private func watch(
        _ harness: EventHarness, _ query: String = "", key: APIKeySecret? = nil
    ) async throws -> ManagedProcess {
        let process = try ManagedProcess(
            "/usr/bin/curl",
            [
                "-siN", "--max-time", "100",
                "-H", "Authorization: Bearer \((key ?? harness.keys.secret).text)",
                "\(harness.service.url)/v1/portal/events/live\(query)",
            ])
        try await eventually("the stream is open") { process.log().contains(": live") }
        return process
    }

    @Test func `what comes is shown as it comes, with what is not taken and why`() async throws {
        try await EventHarness.run { harness in
            let key = harness.keys.secret.text
            _ = try await harness.ingest("[\(event("before"))]", key: key)
            let own = try await watch(harness)
            let strange = try await watch(harness, key: harness.keys.stranger)
            let refused = try await watch(harness, "?show=rejected")
            _ = try await harness.ingest("[\(event("a")),{\"event\":\"x\"}]", key: key)
            try await eventually("both are shown") {
                own.log().contains(#""event_id":"a""#) && own.log().contains("event: rejected")
            }
            #expect(own.log().contains("text/event-stream"))
            #expect(own.log().contains("event: accepted"))
            #expect(own.log().contains(#""code":"required""#))
            #expect(!own.log().contains("before"))
            let shard = ShardMap.installed.shard(of: harness.keys.clientID)
            #expect(own.log().contains("id: \(shard):2\n"))
            try await eventually("the other view too") {
                refused.log().contains("event: rejected")
            }
            #expect(!refused.log().contains("event: accepted"))
            #expect(!strange.log().contains("data:"))
        }
    }

    @Test func `who comes back goes on behind the last, narrowed as before`() async throws {
        try await EventHarness.run { harness in
            let key = harness.keys.secret.text
            let batch = [event("a"), event("b"), event("c", "page_viewed"), event("d")]
            _ = try await harness.ingest("[\(batch.joined(separator: ","))]", key: key)
            let shard = ShardMap.installed.shard(of: harness.keys.clientID)
            let view = try await watch(
                harness, "?event=user_signed_up&last_event_id=\(shard):1")
            try await eventually("the rest is shown") { view.log().contains(#""event_id":"d""#) }
            #expect(view.log().contains(#""event_id":"b""#))
            #expect(!view.log().contains(#""event_id":"a""#))
            #expect(!view.log().contains("page_viewed"))
            let wrong = try await harness.portal(
                .get, "/events/live?last_event_id=\((shard + 1) % 8):1")
            #expect(wrong.body["code"] == "invalid_last_event_id")
        }
    }

    @Test func `a flood is cut to what a person can see, and the rest is counted`() async throws {
        try await EventHarness.run { harness in
            let view = try await watch(harness)
            let batch = (0..<400).map { event("e\($0)") }.joined(separator: ",")
            _ = try await harness.ingest("[\(batch)]", key: harness.keys.secret.text)
            try await eventually("what was left out is told") {
                view.log().contains("event: skipped")
            }
            let shown = view.log().components(separatedBy: "event: accepted").count - 1
            let skipped = view.log().matches(of: /\{"count":(\d+)\}/).compactMap { Int($0.1) }
            #expect(shown <= 100)
            #expect(shown + skipped.reduce(0, +) == 400)
        }
    }

    @Test func `seats are counted per client and given back`() throws {
        let seats = WatchSeats()
        let client = ClientID(UUID())
        for _ in 0..<20 { try seats.take(client) }
        #expect(throws: Problem.self) { try seats.take(client) }
        try seats.take(ClientID(UUID()))
        seats.leave(client)
        try seats.take(client)
    }
}
