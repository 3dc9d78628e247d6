import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import EventService

/// Other people's clients: they are answered as they expect, and their events are in the log.
@Suite(.timeLimit(.minutes(2))) struct ClientFrontTests {
    private static let segment = "/v1/sdk/segment/v1"
    private static let postHog = "/v1/sdk/posthog"
    private static let track = #""type":"track","event":"a","userId":"u","messageId""#

    @Test func `one bad message never fails a batch`() async throws {
        try await EventHarness.run { harness in
            let answer = try await harness.post(
                "\(Self.segment)/batch",
                json: #"{"batch":[{\#(Self.track):"1"},{"type":"x"},7,{\#(Self.track):"2"}]}"#,
                key: harness.keys.secret.text)
            #expect(answer.status == 200)
            #expect(answer.body["success"] == true)
            let rejected = answer.body["rejected"]?.array ?? []
            #expect(rejected.map { $0["index"] } == [1, 2])
            #expect(rejected.map { $0["code"] } == ["invalid_type", "not_an_object"])
            #expect(try await harness.logged().map(\.eventID) == ["1", "2"])
            let again = try await harness.post(
                "\(Self.segment)/b", json: #"{"batch":[{\#(Self.track):"2"}]}"#,
                key: harness.keys.secret.text)
            #expect(again.body == ["success": true])
            #expect(try await harness.logged().count == 2, "a retry is no second event")
        }
    }

    @Test func `every call has its long and its short path`() async throws {
        try await EventHarness.run { harness in
            let paths = [
                "track", "t", "identify", "i", "page", "p", "screen", "s", "group", "g", "alias",
                "a",
            ]
            for path in paths {
                let answer = try await harness.post(
                    "\(Self.segment)/\(path)",
                    json: #"{\#(Self.track):"\#(path)","groupId":"g","previousId":"x"}"#,
                    key: harness.keys.secret.text)
                #expect(answer.status == 200, "\(path)")
                #expect(answer.body == ["success": true], "\(path)")
            }
            #expect(
                try await harness.logged().map(\.type)
                    == ["a", "identify", "page", "screen", "group", "alias"].flatMap { [$0, $0] })
            let unknown = try await harness.http.send(
                ClientRequest(
                    method: .post, url: harness.service.url + "\(Self.segment)/merge",
                    headers: [
                        "Content-Type": "application/json",
                        "Authorization": "Bearer \(harness.keys.secret.text)",
                    ], body: Array("{}".utf8)))
            #expect(unknown.status == 404)
        }
    }

    @Test func `Segment's key is a user name, in the body, or public in the address`() async throws
    {
        try await EventHarness.run { harness in
            let (secret, publishable) = (harness.keys.secret.text, harness.keys.publishable.text)
            let basic = "Basic " + Data("\(secret):".utf8).base64EncodedString()
            let call = #"{\#(Self.track):"1""#
            let byName = try await harness.post(
                "\(Self.segment)/track", Array((call + "}").utf8),
                ["Content-Type": "application/json", "Authorization": basic])
            #expect(byName.status == 200)
            let inBody = try await harness.post(
                "\(Self.segment)/t", Array((call + #","writeKey":"\#(publishable)"}"#).utf8),
                ["Content-Type": "text/plain"])
            #expect(inBody.status == 200)
            let address = "\(Self.segment)/t?writeKey="
            let byAddress = try await harness.post(
                address + publishable, Array((call + "}").utf8), ["Content-Type": "text/plain"])
            #expect(byAddress.status == 200)
            let refused = try await harness.post(
                address + secret, Array((call + "}").utf8), ["Content-Type": "text/plain"])
            #expect(refused.status == 403)
        }
    }

    @Test func `a refusal of Segment's carries code and message`() async throws {
        try await EventHarness.run { harness in
            let key = harness.keys.secret.text
            for (json, key, status, code) in [
                (#"{"batch":7}"#, key, 400, "batch_required"),
                ("{", key, 400, "malformed_json"),
                (#"{"batch":[]}"#, "gv_sk_wrong", 401, "invalid_key"),
                (#"{"batch":[]}"#, harness.keys.suspended.text, 403, "client_suspended"),
            ] {
                let answer = try await harness.post("\(Self.segment)/batch", json: json, key: key)
                #expect(answer.status == status)
                #expect(answer.body["code"]?.string == code)
                #expect(answer.body["message"]?.string?.isEmpty == false)
            }
            let single = try await harness.post("\(Self.segment)/track", json: "{}", key: key)
            #expect(single.status == 400)
            #expect(single.body["code"] == "invalid_event")
        }
    }

    @Test func `a browser client finds its settings under a publishable key only`() async throws {
        try await EventHarness.run { harness in
            func settings(_ key: String) async throws -> (Int, JSONValue) {
                let url = harness.service.url + "\(Self.segment)/projects/\(key)/settings"
                let answer = try await harness.http.send(ClientRequest(method: .get, url: url))
                return (answer.status, try JSONCoding.parse(answer.body))
            }
            let key = harness.keys.publishable.text
            let (status, body) = try await settings(key)
            #expect(status == 200)
            #expect(body["integrations"]?["Segment.io"]?["apiKey"]?.string == key)
            #expect(try await settings(harness.keys.secret.text).0 == 403)
            #expect(try await settings("gv_pk_unknown").0 == 401)
        }
    }

    @Test func `PostHog's batches, single events and lists are taken with the key in the body`()
        async throws
    {
        try await EventHarness.run { harness in
            let key = harness.keys.publishable.text
            let event = #""event":"a","distinct_id":"u","uuid""#
            for (path, json) in [
                ("batch", #"{"api_key":"\#(key)","batch":[{\#(event):"1"},{"event":"b"}]}"#),
                ("capture", #"{"api_key":"\#(key)",\#(event):"2"}"#),
                ("e", #"[{\#(event):"3","properties":{"token":"\#(key)"}}]"#),
                ("i/v0/e", #"{"token":"\#(key)",\#(event):"4"}"#),
            ] {
                let answer = try await harness.post(
                    "\(Self.postHog)/\(path)", json: json, key: nil)
                #expect(answer.status == 200, "\(path)")
                #expect(answer.body["status"] == 1, "\(path)")
            }
            #expect(try await harness.logged().map(\.eventID) == ["1", "2", "3", "4"])
            let flags = try await harness.post(
                "\(Self.postHog)/flags", json: #"{"api_key":"\#(key)"}"#, key: nil)
            #expect(flags.status == 200)
            #expect(flags.body["flags"] == [:])
            let none = try await harness.post("\(Self.postHog)/batch", json: "{}", key: nil)
            #expect(none.status == 401)
        }
    }

    @Test func `PostHog's newer protocol tells what became of each event`() async throws {
        try await EventHarness.run { harness in
            func event(_ uuid: String, _ name: String) -> String {
                #"{"event":"\#(name)","uuid":"\#(uuid)","distinct_id":"u","options":{"#
                    + #""process_person_profile":false},"session_id":"s"}"#
            }
            func send(_ events: String) async throws -> JSONValue {
                try await harness.post(
                    "\(Self.postHog)/i/v1/analytics/events", json: #"{"batch":[\#(events)]}"#,
                    key: harness.keys.secret.text
                ).body
            }
            _ = try await send(event("1", "a"))
            let answer = try await send(
                [event("1", "a"), event("2", "b"), event("3", ""), event("1", "c")]
                    .joined(separator: ","))
            let results = answer["results"]?.object ?? [:]
            #expect(results.mapValues { $0["result"] } == ["1": "warning", "2": "ok", "3": "drop"])
            let logged = try await harness.logged()
            #expect(logged.map(\.eventID) == ["1", "2"])
            #expect(logged.first?.participant?.anonymousID == "u")
            #expect(logged.first?.context?.at("posthog.$session_id") == "s")
        }
    }

    @Test func `CloudEvents come structured, as a batch and binary`() async throws {
        try await EventHarness.run { harness in
            func send(_ body: String, _ more: HTTPHeaders) async throws -> ClientResponse {
                var headers = more
                headers.add("Authorization", "Bearer \(harness.keys.secret.text)")
                return try await harness.http.send(
                    ClientRequest(
                        method: .post, url: harness.service.url + "/v1/sdk/cloudevents",
                        headers: headers, body: Array(body.utf8)))
            }
            func event(_ id: Int) -> String {
                #"{"specversion":"1.0","id":"\#(id)","source":"s","type":"t","participantid":"u"}"#
            }
            let structured = try await send(
                event(1), ["Content-Type": "application/cloudevents+json; charset=utf-8"])
            #expect(structured.status == 202)
            let batch = try await send(
                "[\(event(2)),{},\(event(1))]",
                ["Content-Type": "application/cloudevents-batch+json"])
            let results = try JSONCoding.parse(batch.body)["results"]?.array ?? []
            #expect(results.map { $0["status"] } == ["accepted", "rejected", "duplicate"])
            let binary = try await send(
                #"{"n":1}"#,
                [
                    "Content-Type": "application/json", "ce-specversion": "1.0", "ce-id": "3",
                    "ce-source": "s", "ce-type": "t", "ce-participantid": "J%C3%BCrgen",
                ])
            #expect(binary.status == 202)
            let events = try await harness.logged()
            #expect(events.map(\.eventID) == ["s 1", "s 2", "s 3"])
            #expect(events.last?.participant?.externalID == "Jürgen")
            #expect(events.last?.properties == ["n": 1])
            let neither = try await send(event(4), ["Content-Type": "application/json"])
            #expect(neither.status == 415)
        }
    }
}
