import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import SecurityKit
import TestKit
import Testing

@testable import EventService

extension EventHarness {
    /// What is kept of the client's rejected events, newest first, as soon as there are so many:
    /// under load an answer does not wait for them.
    func rejections(_ query: String = "", count: Int) async throws -> [JSONValue] {
        var found: [JSONValue] = []
        try await eventually("\(count) are kept") {
            found = try await rejections(query)
            return found.count >= count
        }
        #expect(found.count == count)
        return found
    }

    func rejections(_ query: String = "", key: APIKeySecret? = nil) async throws -> [JSONValue] {
        let answer = try await portal(.get, "/rejected-events\(query)", key: key)
        #expect(answer.status == 200, "\(answer.body)")
        return answer.body["data"]?.array ?? []
    }

    /// One rejected event, with its body.
    func rejection(_ listed: JSONValue?) async throws -> JSONValue {
        let id = try #require(listed?["rejection_id"]?.string)
        let answer = try await portal(.get, "/rejected-events/\(id)")
        #expect(answer.status == 200, "\(answer.body)")
        return answer.body
    }
}

@Suite(.serialized, .timeLimit(.minutes(5))) struct RejectedEventTests {
    private func event(_ id: String, _ more: String = #","participant_id":"user-1""#) -> String {
        #"{"event":"user_signed_up","event_id":"\#(id)","#
            + #""occurred_at":"2026-01-31T09:30:00Z"\#(more)}"#
    }

    @Test func `what was rejected is kept with its reason and its bytes`()
        async throws
    {
        try await EventHarness.run { harness in
            let bad = event("b", #", "note": "é" "#)
            let answer = try await harness.ingest(
                "[\(event("a")),\(bad)]", key: harness.keys.publishable.text)
            #expect(answer.body["rejected"] == 1)
            let kept = try await harness.rejections(count: 1)
            #expect(kept.first?["code"] == "participant_required")
            #expect(kept.first?["pointer"] == "/participant_id")
            #expect(kept.first?["event_id"] == "b")
            #expect(kept.first?["event"] == "user_signed_up")
            #expect(kept.first?["front"] == "native")
            #expect(kept.first?["trust"] == "browser")
            #expect(kept.first?["key_id"]?.string?.hasPrefix("key_") == true)
            #expect(kept.first?["is_cut"] == false)
            #expect(kept.first?["body"] == nil)
            let one = try await harness.rejection(kept.first)
            #expect(one["body"] == .string(bad))
            #expect(one["size_bytes"]?.integer == bad.utf8.count)
        }
    }

    @Test func `an event whose id another had taken is kept too`() async throws {
        try await EventHarness.run { harness in
            let key = harness.keys.secret.text
            _ = try await harness.ingest("[\(event("a"))]", key: key)
            let other = event("a", #","participant_id":"user-2""#)
            _ = try await harness.ingest("[\(event("a")),\(other)]", key: key)
            let kept = try await harness.rejections(count: 1)
            #expect(kept.map { $0["code"] } == ["event_id_conflict"])
            let one = try await harness.rejection(kept.first)
            #expect(one["body"] == .string(other))
        }
    }

    @Test func `an event that is too large is kept by its beginning and cannot be sent again`()
        async throws
    {
        try await EventHarness.run { harness in
            let large = event(
                "a", #","participant_id":"u","x":"\#(String(repeating: "y", count: 40_000))""#)
            _ = try await harness.ingest("[\(large)]", key: harness.keys.secret.text)
            let one = try await harness.rejection(try await harness.rejections(count: 1).first)
            #expect(one["code"] == "event_too_large")
            #expect(one["is_cut"] == true)
            #expect(one["size_bytes"]?.integer == large.utf8.count)
            #expect(one["body"]?.string?.utf8.count == RejectedEvent.maximumBytes)
            let id = try #require(one["rejection_id"]?.string)
            let again = try await harness.portal(
                .post, "/rejected-events/\(id)/replay", once: "k")
            #expect(again.status == 409)
            #expect(again.body["code"] == "event_cut")
        }
    }

    @Test func `every front keeps what it refused as it was sent`() async throws {
        try await EventHarness.run { harness in
            let key = harness.keys.secret.text
            let calls: [(path: String, body: String, kept: String, front: JSONValue)] = [
                (
                    "/v1/sdk/segment/v1/batch",
                    #"{"batch":[{"type":"track","event":"A","messageId":"s1"}]}"#,
                    #"{"type":"track","event":"A","messageId":"s1"}"#, "segment"
                ),
                (
                    "/v1/sdk/segment/v1/track", #"{"event":"B","messageId":"s2"}"#,
                    #"{"event":"B","messageId":"s2"}"#, "segment"
                ),
                (
                    "/v1/sdk/posthog/batch", #"{"batch":[{"event":"C","uuid":"p1"}]}"#,
                    #"{"event":"C","uuid":"p1"}"#, "posthog"
                ),
                (
                    "/v1/sdk/posthog/capture", #"{"event":"D","uuid":"p2"}"#,
                    #"{"event":"D","uuid":"p2"}"#, "posthog"
                ),
            ]
            for (index, call) in calls.enumerated() {
                _ = try await harness.post(call.path, json: call.body, key: key)
                let kept = try await harness.rejections(count: index + 1)
                #expect(kept.first?["front"] == call.front, "\(call.path)")
                let one = try await harness.rejection(kept.first)
                #expect(one["body"] == .string(call.kept), "\(call.path)")
            }
            let binary = try await harness.post(
                "/v1/sdk/cloudevents", Array(#"{"x":1}"#.utf8),
                [
                    "Content-Type": "application/json", "Authorization": "Bearer \(key)",
                    "ce-specversion": "1.0", "ce-id": "1", "ce-source": "/s", "ce-type": "made",
                ])
            #expect(binary.status == 400)
            let kept = try await harness.rejections(count: calls.count + 1)
            #expect(kept.first?["front"] == "cloudevents")
            #expect(kept.first?["event"] == "made")
            let body = try await harness.rejection(kept.first)["body"]?.string ?? ""
            #expect(try JSONCoding.parse(Array(body.utf8))["data"] == ["x": 1])
        }
    }

    @Test func `a search finds by reason, type, key, source, time, text and state`() async throws {
        try await EventHarness.run { harness in
            let key = harness.keys.secret.text
            let broken = event("c", #","participant_id":"p%_""#)
                .replacing("user_signed_up", with: "cart updated")
            _ = try await harness.ingest("[\(event("a", ""))]", key: key)
            _ = try await harness.rejections(count: 1)
            _ = try await harness.ingest("[\(event("b", "")),\(broken)]", key: key)
            _ = try await harness.rejections(count: 3)
            func ids(_ query: String) async throws -> [String] {
                try await harness.rejections("?\(query)").compactMap { $0["event_id"]?.string }
            }
            #expect(try await ids("") == ["c", "b", "a"])
            #expect(try await ids("code=participant_required") == ["b", "a"])
            #expect(try await ids("event=cart%20updated") == ["c"])
            #expect(try await ids("event_id=a") == ["a"])
            #expect(try await ids("front=native&text=p%25_") == ["c"])
            #expect(try await ids("front=segment") == [])
            #expect(try await ids("state=replayed") == [])
            #expect(try await ids("state=open").count == 3)
            #expect(try await ids("to=2026-01-31T09:30:00Z") == [])
            #expect(try await ids("from=2026-01-31T09:30:00Z").count == 3)
            let keyID = try #require(
                try await harness.rejections("?event_id=a").first?["key_id"]?.string)
            #expect(try await ids("key_id=\(keyID)").contains("a"))
            #expect(try await ids("source_id=whs_01h455vb4pex5vsknk084sn02q") == [])
            let reasons = try await harness.portal(.get, "/rejected-events/reasons")
            #expect(
                reasons.body["data"]?.array?.map { $0["code"] }
                    == ["participant_required", "invalid_event"])
            #expect(reasons.body["data"]?.array?.map { $0["count"] } == [2, 1])
            for wrong in ["from=now", "key_id=1", "front=x", "state=x", "text=%00", "cursor=x"] {
                let answer = try await harness.portal(.get, "/rejected-events?\(wrong)")
                #expect(answer.status == 400, "\(wrong)")
            }
        }
    }

    @Test func `lists come in pages, and nobody sees another client's`() async throws {
        try await EventHarness.run { harness in
            for (index, id) in ["a", "b", "c"].enumerated() {
                _ = try await harness.ingest("[\(event(id, ""))]", key: harness.keys.secret.text)
                _ = try await harness.rejections(count: index + 1)
            }
            let first = try await harness.portal(.get, "/rejected-events?limit=2")
            let cursor = try #require(first.body["next_cursor"]?.string)
            #expect(first.body["data"]?.array?.map { $0["event_id"] } == ["c", "b"])
            let rest = try await harness.portal(.get, "/rejected-events?limit=2&cursor=\(cursor)")
            #expect(rest.body["data"]?.array?.map { $0["event_id"] } == ["a"])
            #expect(rest.body["next_cursor"] == .null)
            #expect(try await harness.rejections(key: harness.keys.stranger).isEmpty)
            let id = first.body["data"]?.array?.first?["rejection_id"]?.string ?? ""
            let seen = try await harness.portal(
                .get, "/rejected-events/\(id)", key: harness.keys.stranger)
            #expect(seen.status == 404)
            let sent = try await harness.portal(
                .post, "/rejected-events/\(id)/replay", once: "k", key: harness.keys.stranger)
            #expect(sent.status == 404)
            let all = try await harness.portal(
                .post, "/rejected-events/replay", [:], once: "l", key: harness.keys.stranger)
            #expect(all.body["results"]?.array?.isEmpty == true)
        }
    }
}
