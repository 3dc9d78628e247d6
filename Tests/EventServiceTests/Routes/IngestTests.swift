import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import MessagingKit
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import EventService

@Suite(.timeLimit(.minutes(2))) struct IngestTests {
    private func event(_ id: String, _ more: String = "") -> String {
        #"{"event":"user_signed_up","event_id":"\#(id)","occurred_at":"2026-01-31T09:30:00Z","#
            + #""participant_id":"user-1"\#(more)}"#
    }

    @Test func `a batch is answered event by event and a bad one takes no good one with it`()
        async throws
    {
        try await EventHarness.run { harness in
            let first = try await harness.ingest(
                "[\(event("a")),{\"event\":\"x\"},\(event("b"))]", key: harness.keys.secret.text)
            #expect(first.status == 202)
            #expect(first.body["accepted"] == 2)
            #expect(first.body["rejected"] == 1)
            let results = try #require(first.body["results"]?.array)
            #expect(results.map { $0["status"] } == ["accepted", "rejected", "accepted"])
            #expect(results[1]["pointer"] == "/event_id")
            let again = try await harness.ingest(
                #"[\#(event("a")),\#(event("b", #","subject":"other""#))]"#,
                key: harness.keys.secret.text)
            #expect(
                again.body["results"]?.array?.map { $0["status"] } == ["duplicate", "conflict"])
            #expect(again.body.at("results") != nil)
        }
    }

    @Test func `what a browser's request shows of its device is in the log, without its address`()
        async throws
    {
        try await EventHarness.run { harness in
            let agent =
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 "
                + "(KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
            for key in [harness.keys.publishable, harness.keys.secret] {
                let answer = try await harness.ingest(
                    "[\(event(key.text.suffix(4).description))]", key: key.text,
                    headers: [("User-Agent", agent)])
                #expect(answer.body["accepted"] == 1)
            }
            let logged = try await harness.logged()
            let browser = try #require(logged.first { $0.trust == .browser }?.context)
            #expect(browser.at("enriched.browser") == "Safari")
            #expect(browser.at("enriched.os_version") == "18.1")
            #expect(browser.at("enriched.address_hash")?.string?.count == 32)
            let text = String(decoding: try JSONCoding.encode(browser), as: UTF8.self)
            #expect(!text.contains("127.0.0.1"))
            let server = try #require(logged.first { $0.trust == .server })
            #expect(server.context == nil, "a server's agent is not its visitor's")
        }
    }

    @Test func `what was accepted is in the feed, in order, with the trust of its key`()
        async throws
    {
        try await EventHarness.run { harness in
            _ = try await harness.ingest("[\(event("a"))]", key: harness.keys.secret.text)
            _ = try await harness.ingest("[\(event("b"))]", key: harness.keys.publishable.text)
            let log = HTTPLog(peer: harness.peer)
            let shard = ShardMap.installed.shard(of: harness.keys.clientID)
            let page = try await log.feed(FeedRequest(subscriber: "t", shard: shard, after: 0))
            #expect(page.events.map(\.eventID) == ["a", "b"])
            #expect(page.events.map(\.trust) == [.server, .browser])
            #expect(page.events.map(\.position.position) == [1, 2])
            #expect(page.next == 2)
            #expect(page.head == 2)
            let rest = try await log.feed(
                FeedRequest(subscriber: "t", shard: shard, after: 1, limit: 1))
            #expect(rest.events.map(\.eventID) == ["b"])
            let none = try await log.feed(
                FeedRequest(
                    subscriber: "t", shard: shard, after: 0, wanted: Wanted(types: ["other"])))
            #expect(none.events.isEmpty)
            #expect(none.next == 2)
        }
    }

    @Test func `a held feed answers as soon as something is committed`() async throws {
        try await EventHarness.run { harness in
            let log = HTTPLog(peer: harness.peer)
            let shard = ShardMap.installed.shard(of: harness.keys.clientID)
            async let page = log.feed(
                FeedRequest(subscriber: nil, shard: shard, after: 0, waitMilliseconds: 9000))
            _ = try await harness.ingest("[\(event("a"))]", key: harness.keys.secret.text)
            #expect(try await page.events.map(\.eventID) == ["a"])
        }
    }

    @Test func `the deepest event that is taken can be read back by subscribers`() async throws {
        try await EventHarness.run { harness in
            func nested(_ levels: Int) -> String {
                String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
            }
            let answer = try await harness.ingest(
                "[\(event("a", #","x":\#(nested(31))"#)),\(event("b", #","x":\#(nested(32))"#))]",
                key: harness.keys.publishable.text)
            #expect(
                answer.body["results"]?.array?.map { $0["status"] } == ["accepted", "rejected"])
            let log = HTTPLog(peer: harness.peer)
            let shard = ShardMap.installed.shard(of: harness.keys.clientID)
            let page = try await log.feed(FeedRequest(subscriber: "t", shard: shard, after: 0))
            #expect(page.events.map(\.eventID) == ["a"])
        }
    }

    @Test func `a client cannot take the id of a message before the platform sends it`()
        async throws
    {
        try await EventHarness.run { harness in
            let taken = try await harness.ingest(
                "[\(event("cmp_1/2"))]", key: harness.keys.publishable.text)
            #expect(taken.body["accepted"] == 1)
            let message = LogMessage(
                id: "cmp_1/2", type: "campaign.paused", clientID: harness.keys.clientID,
                occurredAt: SystemClock().now(), data: [:])
            let answer = try await HTTPLog(peer: harness.peer).append([message])
            #expect(answer.map(\.status) == [.accepted])
        }
    }

    @Test func `a message of a service is appended once however often it is sent`() async throws {
        try await EventHarness.run { harness in
            let log = HTTPLog(peer: harness.peer)
            let message = LogMessage(
                id: "m1", type: "campaign.activated", clientID: harness.keys.clientID,
                occurredAt: SystemClock().now(), data: ["b": 1, "a": [1, 2]])
            let first = try await log.append([message])
            let again = try await log.append([message])
            #expect(first.map(\.status) == [.accepted])
            #expect(again.map(\.status) == [.duplicate])
            #expect(again.first?.position == first.first?.position)
        }
    }

    @Test func `requests that cannot be taken say what to change`() async throws {
        try await EventHarness.run { harness in
            let key = harness.keys.secret.text
            #expect(try await harness.ingest("[]", key: key).body["code"] == "invalid_event_count")
            #expect(try await harness.ingest("{}", key: key).body["code"] == "events_required")
            #expect(try await harness.ingest("[,]", key: key).body["code"] == "malformed_json")
            #expect(try await harness.ingest("[]", key: "gv_sk_wrong").status == 401)
            let closed = try await harness.ingest("[]", key: harness.keys.suspended.text)
            #expect(closed.status == 403)
            #expect(closed.body["code"] == "client_suspended")
            let large = "[\"\(String(repeating: "a", count: IngestEvents.maximumBytes))\"]"
            #expect(try await harness.ingest(large, key: key).status == 413)
        }
    }

    @Test func `sixty-four senders of the same events leave each in the log once`() async throws {
        try await EventHarness.run { harness in
            let key = harness.keys.secret.text
            let batch = "[\((0..<20).map { event("e\($0)") }.joined(separator: ","))]"
            let accepted = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<64 {
                    group.addTask {
                        let answer = try await harness.ingest(batch, key: key)
                        #expect(answer.status == 202)
                        return answer.body["accepted"]?.integer ?? -1
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(accepted == 20)
        }
    }
}
