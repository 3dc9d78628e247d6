import Contracts
import Foundation
import HTTPKit
import Kernel
import MessagingKit
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import EventService

/// Whether the published schema of an event says what the service takes.
@Suite(.timeLimit(.minutes(2))) struct EventSchemaTests {
    /// Members of an event that is taken, with some replaced; `-` takes one out.
    private static func event(_ changes: [String: JSONValue]) -> JSONValue {
        var members: [String: JSONValue] = [
            "event": "review_written", "event_id": "e", "occurred_at": "2026-01-31T09:30:00Z",
            "participant_id": "p",
        ]
        for (name, value) in changes {
            if value == "-" { members.removeValue(forKey: name) } else { members[name] = value }
        }
        return .object(members)
    }

    private static func text(_ count: Int, _ character: Character = "x") -> JSONValue {
        .string(String(repeating: character, count: count))
    }

    static let values: [JSONValue] =
        [
            .null, [], "event", 7, [:],
        ]
        + [
            [:],
            // Names.
            ["event": "-"], ["event": .null], ["event": 7], ["event": ""], ["event": "a b"],
            ["event": "a,b"], ["event": "ä"], ["event": "A.b:c-d_9"], ["event": text(100)],
            ["event": text(101)], ["event": "reward.paid"], ["event": "rewards.paid"],
            ["event": "campaign.x"], ["event": "event"], ["event": "participant."],
            // Ids.
            ["event_id": "-"], ["event_id": ""], ["event_id": text(100)],
            ["event_id": text(101)], ["event_id": text(100, "😀")], ["event_id": text(101, "😀")],
            ["event_id": "a\u{0}"], ["event_id": "a\nb"], ["event_id": "a\u{7F}"],
            ["event_id": "a b/ü"], ["event_id": 7], ["event_id": .null],
            // Times.
            ["occurred_at": "-"], ["occurred_at": "2026-01-31"], ["occurred_at": .null],
            ["occurred_at": "2026-01-31T09:30:00"],
            ["occurred_at": "2026-01-31T09:30:00.123456789Z"],
            ["occurred_at": "2026-01-31T09:30:00.1234567890Z"], ["occurred_at": 1_700_000_000],
            ["occurred_at": "2026-01-31 09:30:00+02:00"], ["occurred_at": "2026-01-31t09:30:00z"],
            ["occurred_at": "2026-13-31T09:30:00Z"], ["occurred_at": "2026-01-31T24:00:00Z"],
            ["occurred_at": "2026-01-31T09:30:60Z"], ["occurred_at": "2026-01-31T09:30:00.Z"],
            ["occurred_at": "2026-01-31T09:30:00+2:00"], ["occurred_at": "yesterday"],
            ["occurred_at": "2026-01-31T09:30:00+24:00"], ["occurred_at": "2026-00-31T09:30:00Z"],
            ["occurred_at": "2026-01-31T09:30:00-23:59"], ["occurred_at": "2026-01-00T09:30:00Z"],
            // Who.
            ["participant_id": "-"], ["participant_id": .null], ["participant_id": 7],
            ["participant_id": ""], ["participant_id": text(200)], ["participant_id": text(201)],
            ["participant_id": "-", "anonymous_id": "a"],
            ["participant_id": .null, "anonymous_id": "a"],
            ["participant_id": "-", "anonymous_id": .null], ["anonymous_id": .null],
            ["anonymous_id": ""], ["anonymous_id": "a\t"],
            // The rest.
            ["campaign_id": "cmp_01h455vb4pex5vsknk084sn02q"], ["campaign_id": .null],
            ["campaign_id": "cmp_81h455vb4pex5vsknk084sn02q"], ["campaign_id": "x"],
            ["campaign_id": "cmp_01h455vb4pex5vsknk084sn02"], ["campaign_id": ""],
            ["campaign_id": "seg_01h455vb4pex5vsknk084sn02q"], ["campaign_id": 7],
            ["campaign_id": "cmp_01H455VB4PEX5VSKNK084SN02Q"],
            ["subject": "order-1"], ["subject": .null], ["subject": ""], ["subject": text(201)],
            ["subject": 1001], ["traits": [:]], ["traits": .null], ["traits": []],
            ["traits": "pro"], ["properties": ["a": [1, .null]]], ["properties": .null],
            ["properties": 7], ["properties": []],
            ["session_id": 7, "page": "x", "utm": [], "anything": [["else": .null]]],
            ["ip": "203.0.113.7", "user_agent": "x"], ["ip": 7, "enriched": 7, "told": []],
        ].map(event)

    @Test func `the schema is there for anyone, with an example of every member`() async throws {
        try await EventHarness.run { harness in
            let answer = try await harness.http.send(
                ClientRequest(
                    method: .get, url: harness.service.url + "/v1/schemas/event.json"),
                describedBy: EventHarness.description)
            #expect(answer.status == 200)
            #expect(answer.headers["Access-Control-Allow-Origin"] == "*")
            let schema = try JSONCoding.parse(answer.body)
            #expect(schema["$schema"] == "https://json-schema.org/draft/2020-12/schema")
            let members = try #require(schema["properties"]?.object)
            for member in [
                "session_id", "sdk", "app", "device", "os", "screen", "locale", "page", "utm",
                "click_ids", "first_touch", "referral", "experiments", "traits",
                "participant_context", "properties", "campaign_id", "anonymous_id",
            ] {
                #expect(members[member]?["description"]?.string != nil, "\(member)")
            }
        }
    }

    @Test(
        .enabled(if: Peers.areInstalled, "Tests/Peers/run --venv makes what this needs"))
    func `another project's validator takes and refuses what the service takes and refuses`()
        async throws
    {
        let schema = try JSONCoding.parse(PackageResources.event_schema_json)
        let path = try Repository.scratchDirectory("event-schema") + "/cases.json"
        try Data(
            JSONCoding.encode(["schema": schema, "values": .array(Self.values)] as JSONValue)
        ).write(to: URL(filePath: path))
        let output = try await Peers.run("schema_check.py", [path])
        let verdicts = try #require(try JSONCoding.parse(Array(output.utf8)).array)
        try await EventHarness.run { harness in
            let events = try JSONCoding.encode(JSONValue.array(Self.values))
            let answer = try await harness.ingest(
                String(decoding: events, as: UTF8.self), key: harness.keys.secret.text)
            let results = try #require(answer.body["results"]?.array)
            #expect(results.count == verdicts.count)
            for (value, (result, verdict)) in zip(Self.values, zip(results, verdicts)) {
                let isTaken = result["status"] != "rejected"
                #expect(verdict == .bool(isTaken), "\(value): \(result)")
            }
            #expect(verdicts.contains(true) && verdicts.contains(false))
        }
    }
}
