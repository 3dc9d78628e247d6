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

@Suite(.timeLimit(.minutes(5))) struct ErasureTests {
    private func event(_ id: String, _ who: String) -> String {
        #"{"event":"page_viewed","event_id":"\#(id)","occurred_at":"2026-01-31T09:30:00Z","#
            + #""properties":{"secret":"\#(id)"},\#(who)}"#
    }

    private func person(_ id: String) -> String { #""participant_id":"\#(id)""# }
    private func visitor(_ id: String) -> String { #""anonymous_id":"\#(id)""# }

    private func order(
        _ json: String, key: String = "order-1", _ harness: EventHarness
    ) async throws -> (status: Int, body: JSONValue) {
        let answer = try await harness.post(
            "/v1/portal/erasures", Array(json.utf8),
            [
                "Content-Type": "application/json", "Idempotency-Key": key,
                "Authorization": "Bearer \(harness.keys.secret.text)",
            ])
        return (answer.status, try JSONCoding.parse(answer.body))
    }

    private func isDone(_ erasure: String, _ harness: EventHarness) async throws -> JSONValue? {
        let answer = try await harness.http.send(
            ClientRequest(
                url: harness.service.url + "/v1/portal/erasures/\(erasure)",
                headers: ["Authorization": "Bearer \(harness.keys.secret.text)"]),
            describedBy: EventHarness.description)
        let body = try JSONCoding.parse(answer.body)
        return body["status"] == "done" ? .some(body) : .none
    }

    @Test func `a person's events are blanked where they stand, and nobody else's`() async throws {
        try await EventHarness.run { harness in
            let sent = [
                event("visit", visitor("device-1")),
                event("known", person("anna") + "," + visitor("device-1")),
                event("other", person("bert")), event("stranger", visitor("device-2")),
                // Bert used Anna's device; the event is his.
                event("lent", person("bert") + "," + visitor("device-1")),
            ]
            _ = try await harness.ingest(
                "[\(sent.joined(separator: ","))]", key: harness.keys.secret.text)
            _ = try await harness.ingest(
                #"[{"event":"no id","participant_id":"anna"}]"#, key: harness.keys.secret.text)
            let before = try await harness.logged()
            let taken = try await order(#"{"participant_id":"anna"}"#, harness)
            #expect(taken.status == 202)
            #expect(taken.body["status"] == "running")
            let again = try await order(#"{"participant_id":"anna"}"#, harness)
            #expect(again.body["erasure_id"] == taken.body["erasure_id"])
            let id = try #require(taken.body["erasure_id"]?.string)
            let done = try await eventually("the erasure is done", within: .seconds(60)) {
                try await isDone(id, harness)
            }
            #expect(done["events_erased"] == 2)
            let after = try await harness.logged()
            #expect(
                after.map(\.eventID).prefix(5) == [
                    "erased-\(before[0].position.shard)-1", "erased-\(before[0].position.shard)-2",
                    "other", "stranger", "lent",
                ])
            for (old, new) in zip(before, after).prefix(2) {
                #expect(new.type == EventType.erased && new.participant == nil)
                #expect(new.properties == [:] && new.context == nil)
                #expect(new.receivedAt == old.receivedAt && new.position == old.position)
            }
            #expect(Array(after[2..<5]) == Array(before[2...]))
            let message = try #require(after.last)
            #expect(message.type == ParticipantErased.type && message.trust == .internal)
            #expect(message.properties["anonymous_ids"] == ["device-1"])
            let anna = ParticipantID.derived(client: harness.keys.clientID, externalID: "anna")
            #expect(message.properties["participant_id"]?.string == anna.description)
            try await expectNoTrace(of: "anna", harness)
            // A repeat of an erased event is still a repeat.
            let repeated = try await harness.ingest("[\(sent[1])]", key: harness.keys.secret.text)
            #expect(repeated.body["duplicate"] == 1)
        }
    }

    private func expectNoTrace(of text: String, _ harness: EventHarness) async throws {
        let client = harness.database.client()
        let row = try await client.queryOne(
            """
            select count(*) as count from (
                select encode(body, 'escape') as text from log_segment
                union all select erasure::text from erasure
                union all select encode(body, 'escape') from rejected_event) stored
            where text like \("%\(text)%")
            """)
        #expect(try row?.get("count") == 0)
        await client.shutdown()
    }

    @Test func `what a subscriber has not read yet is blanked only afterwards`() async throws {
        try await EventHarness.run { harness in
            _ = try await harness.ingest(
                "[\(event("a", person("anna")))]", key: harness.keys.secret.text)
            let shard = ShardMap.installed.shard(of: harness.keys.clientID)
            let log = harness.service.service.log
            func read(after position: Int) async throws -> FeedPage {
                try await log.feed(
                    FeedRequest(subscriber: "slow", shard: shard, after: position))
            }
            _ = try await read(after: 0)
            try await log.acknowledgements.write()
            let work = ErasureWork(
                store: ErasureStore(postgres: log.retention.postgres), log: log, tail: log.tail,
                world: World())
            let taken = try await order(#"{"participant_id":"anna"}"#, harness)
            let id = try #require(taken.body["erasure_id"]?.string)
            try await work.run()
            #expect(try await isDone(id, harness) == nil)
            #expect(try await harness.logged().first?.eventID == "a")
            _ = try await read(after: 1)
            try await log.acknowledgements.write()
            try await work.run()
            #expect(try await isDone(id, harness)?["events_erased"] == 1)
            #expect(try await harness.logged().first?.type == EventType.erased)
        }
    }

    @Test(arguments: [
        ("{}", "/participant_id"), (#"{"participant_id":""}"#, "/participant_id"),
        (#"{"anonymous_ids":["a",""]}"#, "/anonymous_ids/1"),
    ])
    func `an order that names nobody is refused`(_ body: String, _ pointer: String) async throws {
        try await EventHarness.run { harness in
            let answer = try await order(body, harness)
            #expect(answer.status == 422 || answer.status == 400)
            #expect(answer.body["errors"]?.array?.first?["pointer"]?.string == pointer)
        }
    }
}
