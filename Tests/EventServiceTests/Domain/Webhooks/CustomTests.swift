import FoundationEssentials
import HTTPKit
import Kernel
import Testing

@testable import EventService

@Suite struct CustomTests {
    private let now = Timestamp(microseconds: 1_763_800_000_000_000)
    private let sourceID = WebhookSourceID(UUID())

    static let settings = #"""
        {"signature":{"scheme":"standard"},"mapping":{
        "event":{"pointer":"/type","types":{"order.paid":"purchase_completed"}},
        "occurred_at":{"pointer":"/data/at"},"participant_id":{"pointer":"/data/buyer/id"},
        "subject":{"pointer":"/data/order~1id"},
        "amount":{"value":{"pointer":"/data/total"},"asset":{"pointer":"/data/currency"}},
        "referral":{"code":{"pointer":"/data/ref"}},
        "traits":{"email":{"pointer":"/data/buyer/emails/0"}},
        "properties":{"channel":{"value":"phone"},"lines":{"pointer":"/data/lines"}}}}
        """#

    static let body = #"""
        {"type":"order.paid","data":{"at":"2026-11-21T10:00:00+01:00","order/id":1002,
        "total":"19.90","currency":"eur","ref":"BCDF2345","buyer":{"id":"p-1","emails":["a@b.example"]},
        "lines":[{"n":1.50}]}}
        """#

    private func settings(_ text: String = settings) throws -> WebhookSettings {
        try WebhookSettings.read(JSONCoding.parse(Array(text.utf8)), kind: .custom)
    }

    private func outcome(
        _ body: String, _ text: String = settings, headers: HTTPHeaders = ["webhook-id": "msg_1"]
    ) throws -> WebhookReading.Outcome {
        try settings(text).read(
            ReceivedWebhook(headers: headers, body: Array(body.utf8), receivedAt: now),
            of: sourceID, acceptsTests: false
        ).outcome
    }

    @Test func `fields are taken from where the mapping says`() throws {
        guard case .event(let event) = try outcome(Self.body) else {
            Issue.record("no event")
            return
        }
        #expect(event.type == "purchase_completed")
        #expect(event.eventID == "\(sourceID):msg_1")
        #expect(event.externalID == "p-1")
        #expect(event.subject == "1002")
        #expect(event.occurredAt == Timestamp("2026-11-21T09:00:00Z"))
        #expect(event.referral.code == "BCDF2345")
        #expect(event.traits == ["email": "a@b.example"])
        #expect(event.properties["amount"] == ["units": "1990", "asset": "EUR"])
        #expect(event.properties["channel"] == "phone")
        let lines = try JSONCoding.encode(event.properties["lines"])
        #expect(String(decoding: lines, as: UTF8.self) == #"[{"n":1.50}]"#)
    }

    @Test func `a name that is not in the table is passed over, one without a table is the type`()
        throws
    {
        let other = Self.body.replacing("order.paid", with: "order.made")
        guard case .ignored(.unknownTopic) = try outcome(other) else {
            Issue.record("an unknown name")
            return
        }
        let open = Self.settings.replacing(
            #","types":{"order.paid":"purchase_completed"}"#, with: "")
        guard case .event(let event) = try outcome(other, open) else {
            Issue.record("no event")
            return
        }
        #expect(event.type == "order.made")
        let reserved = Self.body.replacing("order.paid", with: "reward.fulfilled")
        guard case .ignored(.unknownTopic) = try outcome(reserved, open) else {
            Issue.record("a name of the platform's")
            return
        }
    }

    @Test(arguments: [
        ("/data/total", #""19.90""#, #""19.905""#), ("/data/total", #""19.90""#, "true"),
        ("/data/currency", #""eur""#, #""€""#),
        ("/data/at", #""2026-11-21T10:00:00+01:00""#, #""soon""#),
        ("/data/buyer/id", #""p-1""#, "{}"), ("/type", #""order.paid""#, "null"),
    ]) func `what does not fit is named`(pointer: String, was: String, becomes: String) throws {
        guard case .unusable(let problems) = try outcome(Self.body.replacing(was, with: becomes))
        else {
            Issue.record("it fits")
            return
        }
        #expect(problems.map(\.pointer) == [pointer])
    }

    @Test func `without an id nothing is taken`() throws {
        guard case .unusable(let problems) = try outcome(Self.body, headers: [:]) else {
            Issue.record("it was taken")
            return
        }
        #expect(problems.map(\.pointer) == ["webhook-id"])
    }

    @Test(arguments: [
        (#""pointer":"/type","#, #""pointer":"type","#, "/mapping/event/pointer"),
        (#""pointer":"/type","#, #""pointer":"/type","header":"X","#, "/mapping/event"),
        (#""purchase_completed""#, #""reward.fulfilled""#, "/mapping/event/types/order.paid"),
        (#""purchase_completed""#, #""a b""#, "/mapping/event/types/order.paid"),
        (#"{"order.paid":"purchase_completed"}"#, "{}", "/mapping/event/types"),
        (#"{"pointer":"/data/buyer/id"}"#, "null", "/mapping/participant_id"),
        (#"{"pointer":"/data/buyer/id"}"#, #"{"header":"X"}"#, "/mapping/participant_id/header"),
        (#"{"pointer":"/data/buyer/id"}"#, "{}", "/mapping/participant_id"),
        (#""/data/order~1id""#, #""/a~2""#, "/mapping/subject/pointer"),
        (#""lines":"#, #""amount":"#, "/mapping/properties/amount"),
        (#"{"scheme":"standard"}"#, #"{"scheme":"hmac"}"#, "/signature/header"),
        (#"{"scheme":"standard"}"#, #"{"scheme":"standard","header":"X"}"#, "/signature/scheme"),
        (#"{"scheme":"standard"}"#, #"{"scheme":"none"}"#, "/signature/scheme"),
        (#""occurred_at":"#, #""occured_at":"#, "/mapping/occured_at"),
        (#""mapping":{"#, #""mapping":{"event_id":{"value":"1"},"#, "/mapping/event_id"),
    ]) func `a mapping that cannot work is refused when it is saved`(
        was: String, becomes: String, pointer: String
    ) throws {
        let problem = #expect(throws: Problem.self) {
            try settings(Self.settings.replacing(was, with: becomes))
        }
        #expect(
            problem?.errors.map(\.pointer).contains("/settings\(pointer)") == true,
            "\(problem?.errors ?? [])")
    }

    @Test func `a pointer is read as RFC 6901 has it`() throws {
        let document = try JSONCoding.parse(
            Array(#"{"foo":["bar","baz"],"":0,"a/b":1,"m~n":8,"c":{"01":2}}"#.utf8))
        func value(_ pointer: String) -> JSONValue? {
            JSONPath(pointer)?.value(in: document)
        }
        #expect(value("") == document)
        #expect(value("/foo/1") == "baz")
        #expect(value("/") == 0)
        #expect(value("/a~1b") == 1)
        #expect(value("/m~0n") == 8)
        #expect(value("/c/01") == 2)
        for pointer in ["/foo/2", "/foo/01", "/foo/-", "/foo/x", "/foo/0/x", "/nothing"] {
            #expect(value(pointer) == nil, "\(pointer)")
        }
        #expect(JSONPath("foo") == nil)
        #expect(JSONPath("/~") == nil)
        #expect(JSONPath(String(repeating: "/a", count: 21)) == nil)
    }
}
