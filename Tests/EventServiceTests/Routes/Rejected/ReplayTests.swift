import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import EventService

@Suite(.serialized, .timeLimit(.minutes(5))) struct ReplayTests {
    private func event(_ id: String, person: String = "user-1") -> String {
        #"{"event":"user_signed_up","event_id":"\#(id)","occurred_at":"2026-01-31T09:30:00Z","#
            + #""participant_id":"\#(person)"}"#
    }

    /// Keeps what older rules would have refused.
    private func keep(
        _ bodies: [String], in harness: EventHarness, _ front: EventFront = .native,
        edit: (inout SentEvent) -> Void = { _ in }
    ) async throws -> [RejectionID] {
        let rejected = harness.service.service.intake.rejected
        let context = IngestContext(
            clientID: harness.keys.clientID, trust: .browser, receivedAt: SystemClock().now(),
            traceparent: "", door: EventDoor(front: front, keyID: APIKeyID(UUID())))
        let events = bodies.map { body in
            var sent = SentEvent(Array(body.utf8)[...], type: "user_signed_up")
            edit(&sent)
            return RejectedEvent(
                rejected.nextID(),
                EventRejection(code: "schema_mismatch", detail: "Older.", pointer: "/x"),
                eventID: "e", sent: sent, context)
        }
        try await rejected.store.insert(events)
        return events.map(\.rejectionID)
    }

    @Test func `what passes now is in the log once, with the trust it came with`() async throws {
        try await EventHarness.run { harness in
            let id = try await keep([event("a")], in: harness)[0]
            let path = "/rejected-events/\(id)"
            let first = try await harness.portal(.post, "\(path)/replay", once: "one")
            #expect(first.status == 200, "\(first.body)")
            #expect(first.body["accepted"] == 1)
            let logged = try await harness.taken()
            #expect(logged.map(\.eventID) == ["a"])
            #expect(logged.first?.trust == .browser)
            let replay = first.body["results"]?.array?.first?["replay"]
            #expect(replay?["status"] == "accepted")
            #expect(replay?["position"]?.string == logged.first?.position.description)
            let again = try await harness.portal(.post, "\(path)/replay", once: "one")
            #expect(again.headers["Idempotency-Replayed"] == "true")
            #expect(again.body == first.body)
            let other = try await harness.portal(.post, "\(path)/replay", once: "two")
            #expect(other.status == 409)
            #expect(other.body["code"] == "already_replayed")
            #expect(try await harness.taken().count == 1)
            let shown = try await harness.portal(.get, path)
            #expect(shown.body["replay"]?["status"] == "accepted")
            #expect(try await harness.rejections("?state=replayed").count == 1)
            #expect(try await harness.rejections("?state=open").isEmpty)
        }
    }

    @Test func `each of many is told apart, and what still fails stays for another try`()
        async throws
    {
        try await EventHarness.run { harness in
            _ = try await harness.ingest(
                "[\(event("known")),\(event("taken"))]", key: harness.keys.secret.text)
            let ids = try await keep(
                [
                    event("new"), event("known"), event("taken", person: "user-2"),
                    #"{"event":"user_signed_up"}"#,
                ], in: harness)
            let answer = try await harness.portal(
                .post, "/rejected-events/replay", ["code": "schema_mismatch"], once: "all")
            #expect(answer.status == 200, "\(answer.body)")
            let results = answer.body["results"]?.array ?? []
            #expect(results.map { $0["rejection_id"]?.string } == ids.map(\.description))
            #expect(
                results.map { $0["replay"]?["status"] }
                    == ["accepted", "duplicate", "conflict", "rejected"])
            #expect(results.last?["replay"]?["code"] == "required")
            #expect(results.last?["code"] == "schema_mismatch")
            for name in ["accepted", "duplicate", "conflict", "rejected"] {
                #expect(answer.body[name] == 1, "\(name)")
            }
            let rest = try await harness.portal(
                .post, "/rejected-events/replay", ["code": "schema_mismatch", "limit": 1],
                once: "rest")
            #expect(rest.body["results"]?.array?.count == 1)
            #expect(try await harness.taken().count == 3)
            #expect(try await harness.rejections("?state=open").count == 2)
            #expect(try await harness.rejections().count == 4, "a replay keeps nothing anew")
        }
    }

    @Test func `a repeat goes on with what a crash left undone, and takes nothing else`()
        async throws
    {
        try await EventHarness.run { harness in
            let ids = try await keep([event("a"), event("b")], in: harness)
            let answer = try await harness.portal(
                .post, "/rejected-events/replay", [:], once: "key")
            #expect(answer.body["accepted"] == 2)
            // As a crash after the log's commit and before the mark would leave it.
            let client = harness.database.client()
            try await client.execute(
                """
                update rejected_event set replayed_at = null, replay_status = null,
                    replay_position = null where rejection_id = \(ids[1])
                """)
            await client.shutdown()
            _ = try await keep([event("c")], in: harness)
            let again = try await harness.portal(
                .post, "/rejected-events/replay", [:], once: "key")
            #expect(
                again.body["results"]?.array?.map { $0["replay"]?["status"] }
                    == ["accepted", "duplicate"])
            #expect(try await harness.taken().map(\.eventID) == ["a", "b"])
        }
    }

    @Test func `what other clients sent is read again as their front does`() async throws {
        try await EventHarness.run { harness in
            _ = try await keep(
                [#"{"event":"Signed Up","messageId":"s","userId":"u"}"#], in: harness, .segment
            ) {
                $0.call = "track"
                $0.shared = Array(#"{"app":{"name":"x"}}"#.utf8)[...]
            }
            _ = try await keep(
                [#"{"event":"Signed Up","uuid":"p","distinct_id":"u"}"#], in: harness, .posthog)
            let attributes = #"{"specversion":"1.0","id":"1","source":"/s","type":"made","#
            _ = try await keep(
                [attributes + #""participantid":"u"}"#], in: harness, .cloudevents)
            let answer = try await harness.portal(
                .post, "/rejected-events/replay", [:], once: "key")
            #expect(answer.body["accepted"] == 3, "\(answer.body)")
            let logged = try await harness.taken()
            #expect(logged.map(\.eventID) == ["s", "p", "/s 1"])
            #expect(logged.map(\.participant?.externalID) == ["u", "u", "u"])
            #expect(logged.first?.context?["app"]?["name"] == "x")
        }
    }

    @Test func `a refused webhook is sent again after its mapping was put right`() async throws {
        try await EventHarness.run { harness in
            let wrong = CustomTests.settings.replacing("/data/buyer/id", with: "/data/seller")
            let (id, made) = try await harness.source(
                .custom, secret: nil, settings: try JSONCoding.parse(Array(wrong.utf8)))
            let secret = try #require(made["secret"]?.string)
            let body = CustomTests.body
            let refused = try await harness.hook(
                id, try Sender.standard(body, secret: secret, id: "msg_1"), Array(body.utf8))
            #expect(refused.status == 422)
            let kept = try await harness.rejections(count: 1)
            #expect(kept.first?["source_id"] == .string(id))
            #expect(kept.first?["front"] == "webhook")
            #expect(try await harness.rejection(kept.first)["body"] == .string(body))
            let early = try await harness.portal(
                .post, "/rejected-events/replay", ["source_id": .string(id)], once: "early")
            #expect(early.body["rejected"] == 1)
            _ = try await harness.portal(
                .patch, "/webhook-sources/\(id)",
                ["settings": try JSONCoding.parse(Array(CustomTests.settings.utf8))])
            let late = try await harness.portal(
                .post, "/rejected-events/replay", ["source_id": .string(id)], once: "late")
            #expect(late.body["accepted"] == 1, "\(late.body)")
            #expect(try await harness.taken().map(\.trust) == [.webhook])
            let again = try await harness.hook(
                id, try Sender.standard(body, secret: secret, id: "msg_1"), Array(body.utf8))
            #expect(again.body["status"] == "duplicate")
        }
    }

    @Test func `a replay needs a key, and says what of a search cannot be`() async throws {
        try await EventHarness.run { harness in
            let missing = try await harness.portal(.post, "/rejected-events/replay", [:])
            #expect(missing.body["code"] == "idempotency_key_required")
            for (body, pointer): (JSONValue, String) in [
                (["limit": 0], "/limit"), (["limit": 201], "/limit"), (["front": "x"], "/front"),
                (["code": .string(String(repeating: "a", count: 201))], "/code"),
            ] {
                let answer = try await harness.portal(
                    .post, "/rejected-events/replay", body, once: "key")
                #expect(answer.status == 400)
                #expect(answer.body["errors"]?.array?.first?["pointer"]?.string == pointer)
            }
        }
    }
}
