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

@Suite(.serialized, .timeLimit(.minutes(5))) struct ReadEventsTests {
    private func event(
        _ id: String, _ type: String = "user_signed_up", person: String = "user-1"
    ) -> String {
        #"{"event":"\#(type)","event_id":"\#(id)","occurred_at":"2026-01-31T09:30:00Z","#
            + #""participant_id":"\#(person)","properties":{"n":1}}"#
    }

    private func ids(_ harness: EventHarness, _ query: String = "") async throws -> [String] {
        let answer = try await harness.portal(.get, "/events\(query)")
        #expect(answer.status == 200, "\(answer.body)")
        return answer.body["data"]?.array?.compactMap { $0["event_id"]?.string } ?? []
    }

    /// Another client that lives in the same shard, as it would be between others' events.
    private func neighbour(of client: ClientID) -> ClientID {
        while true {
            let other = ClientID(UUID())
            if ShardMap.installed.shard(of: other) == ShardMap.installed.shard(of: client) {
                return other
            }
        }
    }

    @Test func `the last events come first, page by page, without those of others between`()
        async throws
    {
        try await EventHarness.run { harness in
            let key = harness.keys.secret.text
            let other = neighbour(of: harness.keys.clientID)
            let log = HTTPLog(peer: harness.peer)
            for number in 0..<5 {
                _ = try await harness.ingest("[\(event("e\(number)"))]", key: key)
                let message = LogMessage(
                    id: "m\(number)", type: "page_viewed", clientID: other,
                    occurredAt: SystemClock().now(), data: [:])
                _ = try await log.append([message])
            }
            let first = try await harness.portal(.get, "/events?limit=2")
            #expect(first.body["data"]?.array?.map { $0["event_id"] } == ["e4", "e3"])
            let one = try #require(first.body["data"]?.array?.first)
            #expect(one["event"] == "user_signed_up")
            #expect(one["participant"]?["external_id"] == "user-1")
            #expect(one["properties"] == ["n": 1])
            #expect(one["trust"] == "server")
            #expect(one["committed_at"]?.string != nil)
            let cursor = try #require(first.body["next_cursor"]?.string)
            #expect(try await ids(harness, "?limit=2&cursor=\(cursor)") == ["e2", "e1"])
            #expect(try await ids(harness, "?limit=50") == ["e4", "e3", "e2", "e1", "e0"])
            let whole = try await harness.portal(.get, "/events?limit=50")
            #expect(whole.body["next_cursor"] == .null)
            let wrong = try await harness.portal(.get, "/events?cursor=x")
            #expect(wrong.body["code"] == "invalid_cursor")
        }
    }

    @Test func `a list is narrowed to a type, a person or an id, and hides services' messages`()
        async throws
    {
        try await EventHarness.run { harness in
            let key = harness.keys.secret.text
            let batch = [
                event("a"), event("b", "page_viewed", person: "user-2"), event("c", "page_viewed"),
            ]
            _ = try await harness.ingest("[\(batch.joined(separator: ","))]", key: key)
            let messages = ["reward.fulfilled", ClientMessage.keyCreated].map { type in
                LogMessage(
                    id: type, type: type, clientID: harness.keys.clientID,
                    occurredAt: SystemClock().now(), data: [:])
            }
            let told = try await HTTPLog(peer: harness.peer).append(messages)
            #expect(try await ids(harness) == ["c", "b", "a"])
            #expect(try await ids(harness, "?event=page_viewed") == ["c", "b"])
            #expect(try await ids(harness, "?participant=user-2") == ["b"])
            let person = ParticipantID.derived(
                client: harness.keys.clientID, externalID: "user-1")
            #expect(try await ids(harness, "?participant=\(person)&limit=1") == ["c"])
            #expect(try await ids(harness, "?event_id=b") == ["b"])
            #expect(try await ids(harness, "?event_id=nobodys") == [])
            #expect(try await ids(harness, "?messages=true&limit=1") == ["reward.fulfilled"])
            // A key's hash is for services only.
            let hidden = try #require(told.last?.position)
            let asked = try await harness.portal(.get, "/events/\(hidden)")
            #expect(asked.status == 404)
            #expect(try await ids(harness, "?event_id=\(ClientMessage.keyCreated)") == [])
        }
    }

    @Test func `the way of an event tells who passed it, what it started and where it is`()
        async throws
    {
        try await EventHarness.run { harness in
            let key = harness.keys.secret.text
            let batch =
                "[\(event("a")),\(event("b", "page_viewed")),"
                + "\(event("c", "clickhouse_is_away"))]"
            _ = try await harness.ingest(batch, key: key)
            let shard = ShardMap.installed.shard(of: harness.keys.clientID)
            let log = HTTPLog(peer: harness.peer)
            _ = try await log.feed(FeedRequest(subscriber: "fast", shard: shard, after: 2))
            _ = try await log.feed(FeedRequest(subscriber: "slow", shard: shard, after: 0))
            let first = try await harness.portal(.get, "/events/\(shard):1")
            #expect(first.status == 200, "\(first.body)")
            #expect(first.body["event_id"] == "a")
            let way = try #require(first.body["way"])
            #expect(way["archive"] == "stored")
            #expect(way["subscribers"]?.array?.map { $0["name"] } == ["fast", "slow"])
            #expect(way["subscribers"]?.array?.map { $0["has_passed"] } == [true, false])
            #expect(way["runs"]?["is_known"] == true)
            #expect(way["runs"]?["data"]?.array?.first?["outcome"] == .string("at \(shard):1"))
            let second = try await harness.portal(.get, "/events/\(shard):2")
            #expect(second.body["way"]?["archive"] == "waiting")
            let third = try await harness.portal(.get, "/events/\(shard):3")
            #expect(third.body["way"]?["archive"] == "unknown")
        }
    }

    @Test func `another client's places are as unknown as places that nobody has`() async throws {
        try await EventHarness.run { harness in
            _ = try await harness.ingest("[\(event("a"))]", key: harness.keys.secret.text)
            let shard = ShardMap.installed.shard(of: harness.keys.clientID)
            for path in ["\(shard):1", "\(shard):2", "\((shard + 1) % 8):1", "999:1", "x"] {
                let answer = try await harness.portal(
                    .get, "/events/\(path)", key: harness.keys.stranger)
                #expect(answer.status == 404, "\(path)")
                #expect(answer.body["code"] == "not_found", "\(answer.body)")
            }
            for query in ["", "?event_id=a", "?cursor=\(shard):5", "?participant=user-1"] {
                let answer = try await harness.portal(
                    .get, "/events\(query)", key: harness.keys.stranger)
                #expect(answer.body["data"] == [], "\(query)")
            }
        }
    }

    @Test func `volumes tell types and keys apart, and what was not taken`() async throws {
        try await EventHarness.run { harness in
            let (secret, page) = (harness.keys.secret.text, harness.keys.publishable.text)
            let batch = "[\(event("a")),\(event("b", "page_viewed")),{\"event\":\"x\"}]"
            _ = try await harness.ingest(batch, key: secret)
            _ = try await harness.ingest(batch, key: secret)
            _ = try await harness.ingest("[\(event("c", "page_viewed"))]", key: page)
            _ = try await harness.post(
                "/v1/sdk/segment/v1/track",
                json: #"{"event":"Signed Up","messageId":"s","userId":"u"}"#, key: secret)
            let volumes = harness.service.service.intake.volumes
            try await volumes.write()
            for window in ["hour", "day"] {
                let answer = try await harness.portal(.get, "/events/volumes?window=\(window)")
                #expect(answer.status == 200, "\(answer.body)")
                let types = answer.body["by_event"]?.array ?? []
                func row(_ name: JSONValue?) -> JSONValue? { types.first { $0["event"] == name } }
                #expect(row("page_viewed")?["accepted"] == 2)
                #expect(row("page_viewed")?["duplicate"] == 1)
                #expect(row("user_signed_up")?["accepted"] == 2)
                #expect(row(nil)?["rejected"] == 2)
                let sources = answer.body["by_source"]?.array ?? []
                #expect(Set(sources.compactMap { $0["front"]?.string }) == ["native", "segment"])
                #expect(sources.allSatisfy { $0["key_id"]?.string?.hasPrefix("key_") == true })
                let steps = answer.body["steps"]?.array ?? []
                #expect(steps.compactMap { $0["accepted"]?.integer }.reduce(0, +) == 4)
            }
            let strange = try await harness.portal(
                .get, "/events/volumes", key: harness.keys.stranger)
            #expect(strange.body["by_event"] == [])
        }
    }
}
