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

@Suite(.timeLimit(.minutes(2))) struct EventTypeTests {
    private static let schema: JSONValue = [
        "type": "object", "required": ["stars"],
        "properties": ["stars": ["type": "integer", "minimum": 1, "maximum": 5]],
    ]

    private func event(_ id: String, _ type: String, _ properties: String = "{}") -> String {
        #"{"event":"\#(type)","event_id":"\#(id)","occurred_at":"2026-01-31T09:30:00Z","#
            + #""participant_id":"user-1","properties":\#(properties)}"#
    }

    @Test func `a client adds a type and its events are checked from then on`() async throws {
        try await EventHarness.run { harness in
            let made = try await harness.portal(
                .post, "/event-types",
                ["name": "review_written", "description": "A review.", "schema": Self.schema],
                once: "a")
            #expect(made.status == 201)
            #expect(made.body["source"] == "client")
            let again = try await harness.portal(
                .post, "/event-types",
                ["name": "review_written", "description": "A review.", "schema": Self.schema],
                once: "a")
            #expect(again.headers["Idempotency-Replayed"] == "true")
            let taken = try await harness.portal(
                .post, "/event-types", ["name": "review_written", "schema": Self.schema])
            #expect(taken.status == 409)
            #expect(taken.body["code"] == "event_type_exists")
            let key = harness.keys.publishable.text
            let answer = try await harness.ingest(
                "[\(event("a", "review_written", #"{"stars":5}"#)),"
                    + "\(event("b", "review_written", #"{"stars":6}"#)),"
                    + "\(event("c", "never_heard_of"))]", key: key)
            let results = try #require(answer.body["results"]?.array)
            #expect(results.map { $0["status"] } == ["accepted", "rejected", "accepted"])
            #expect(results[1]["code"] == "property_invalid")
            #expect(results[1]["pointer"] == "/properties/stars")
            let changed = try await harness.portal(
                .patch, "/event-types/review_written", ["schema": ["type": "object"]])
            #expect(changed.status == 200)
            #expect(changed.body["description"] == "A review.")
            let later = try await harness.ingest(
                "[\(event("b", "review_written", #"{"stars":6}"#))]", key: key)
            #expect(later.body["accepted"] == 1)
            let gone = try await harness.portal(.delete, "/event-types/review_written")
            #expect(gone.status == 204)
            let twice = try await harness.portal(.delete, "/event-types/review_written")
            #expect(twice.status == 404)
        }
    }

    @Test func `the catalogue and the client's own types are one list, page by page`() async throws
    {
        try await EventHarness.run { harness in
            for (name, key) in [("a_first", harness.keys.secret), ("z_last", harness.keys.secret)] {
                _ = try await harness.portal(
                    .post, "/event-types", ["name": .string(name), "schema": Self.schema], key: key)
            }
            _ = try await harness.portal(
                .post, "/event-types", ["name": "strangers", "schema": Self.schema],
                key: harness.keys.stranger)
            var names: [String] = []
            var path = "/event-types?limit=30"
            while true {
                let page = try await harness.portal(.get, path)
                #expect(page.status == 200)
                names += page.body["data"]?.array?.compactMap { $0["name"]?.string } ?? []
                guard let cursor = page.body["next_cursor"]?.string else { break }
                path = "/event-types?limit=30&cursor=\(cursor)"
            }
            #expect(
                names
                    == (EventCatalogue.installed.entries.map(\.name) + ["a_first", "z_last"])
                    .sorted())
            let one = try await harness.portal(.get, "/event-types/purchase_completed")
            #expect(one.body["source"] == "catalogue")
            #expect(one.body.at("schema.properties.amount.type") == "object")
            let theirs = try await harness.portal(.get, "/event-types/strangers")
            #expect(theirs.status == 404)
            let fixed = try await harness.portal(.delete, "/event-types/page_viewed")
            #expect(fixed.body["code"] == "event_type_in_catalogue")
            let copy = try await harness.portal(
                .post, "/event-types", ["name": "page_viewed", "schema": Self.schema])
            #expect(copy.body["code"] == "event_type_in_catalogue")
        }
    }

    @Test func `a type that is no type or no schema is refused with its place`() async throws {
        try await EventHarness.run { harness in
            for (body, pointer) in [
                (["name": "a b", "schema": Self.schema] as JSONValue, "/name"),
                (["name": "reward.paid", "schema": Self.schema], "/name"),
                (["name": "x", "schema": ["type": "object", "allOf": []]], "/schema/allOf"),
                (["name": "x", "schema": ["type": "object"], "extra": 1], "/extra"),
                (
                    [
                        "name": "x", "schema": ["type": "object"],
                        "description": .string(String(repeating: "x", count: 501)),
                    ], "/description"
                ),
            ] {
                let answer = try await harness.portal(.post, "/event-types", body)
                #expect(answer.status == 400)
                #expect(answer.body["errors"]?.array?.first?["pointer"] == .string(pointer))
            }
        }
    }

    @Test func `a client that refuses unknown types is told so event by event, in every front`()
        async throws
    {
        try await EventHarness.run { harness in
            let before = try await harness.portal(.get, "/event-settings")
            #expect(before.body == ["unknown_event_types": "accept"])
            let changed = try await harness.portal(
                .patch, "/event-settings", ["unknown_event_types": "refuse"])
            #expect(changed.status == 200)
            let wrong = try await harness.portal(
                .patch, "/event-settings", ["unknown_event_types": "perhaps"])
            #expect(wrong.status == 400)
            let key = harness.keys.secret.text
            let native = try await harness.ingest(
                "[\(event("a", "never_heard_of")),\(event("b", "user_signed_up"))]", key: key)
            let results = try #require(native.body["results"]?.array)
            #expect(results.map { $0["status"] } == ["rejected", "accepted"])
            #expect(results[0]["code"] == "event_type_unknown")
            #expect(results[0]["pointer"] == "/event")
            let segment = try await harness.post(
                "/v1/sdk/segment/v1/track",
                json: #"{"userId":"u","event":"Never Heard Of","messageId":"m"}"#, key: key)
            #expect(segment.status == 400)
            #expect(segment.body["code"] == "event_type_unknown")
            let page = try await harness.post(
                "/v1/sdk/segment/v1/page", json: #"{"userId":"u","messageId":"n"}"#, key: key)
            #expect(page.status == 200)
            let stranger = try await harness.ingest(
                "[\(event("a", "never_heard_of"))]", key: harness.keys.stranger.text)
            #expect(stranger.body["accepted"] == 1, "another client's choice is another's")
        }
    }

    @Test func `a client has so many types of its own and no more`() async throws {
        try await EventHarness.run { harness in
            for number in 0..<EventTypeStore.maximumPerClient {
                let answer = try await harness.portal(
                    .post, "/event-types",
                    ["name": .string("type_\(number)"), "schema": Self.schema])
                #expect(answer.status == 201)
            }
            let more = try await harness.portal(
                .post, "/event-types", ["name": "one_more", "schema": Self.schema])
            #expect(more.body["code"] == "too_many_event_types")
        }
    }
}
