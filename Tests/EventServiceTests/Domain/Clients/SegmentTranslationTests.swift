import Contracts
import HTTPKit
import Kernel
import Testing

@testable import EventService

@Suite struct SegmentTranslationTests {
    @Test func `an order is a purchase with the order's id as its subject`() throws {
        let event = try Translations.segment(
            """
            {"type":"track","event":"Order Completed","messageId":"m1","userId":"u1",
             "anonymousId":null,"timestamp":"2027-01-15T07:59:00.123456+00:00",
             "properties":{"order_id":1001,"revenue":25.5,"currency":"usd"},
             "context":{"ip":"192.0.2.1","page":{"path":"/a"},"traits":{"plan":"pro"}},
             "integrations":{"All":true},"channel":"server"}
            """)
        #expect(event.type == "purchase_completed")
        #expect(event.eventID == "m1")
        #expect(event.subject == "1001")
        #expect(event.participant?.externalID == "u1")
        #expect(event.participant?.traits == ["plan": "pro"])
        #expect(event.properties["amount"] == ["units": "2550", "asset": "USD"])
        #expect(event.context?.at("told.event") == "Order Completed")
        #expect(event.context?.at("page.path") == "/a")
        #expect(event.context?["ip"] == nil, "addresses are not kept")
        #expect(event.occurredAt.description == "2027-01-15T07:59:00.123Z")
    }

    @Test func `each call says in its own words who and what`() throws {
        let who = #""messageId":"m","userId":"u""#
        let identify = try Translations.segment(
            #"{\#(who),"traits":{"plan":"pro"},"context":{"traits":{"plan":"free","age":7}}}"#,
            as: .identify)
        #expect(identify.type == "identify")
        #expect(identify.participant?.traits == ["plan": "pro", "age": 7])
        let page = try Translations.segment(
            #"{\#(who),"name":"Home","category":"Docs","properties":{"url":"x"}}"#, as: .page)
        #expect(page.properties == ["url": "x", "name": "Home", "category": "Docs"])
        let group = try Translations.segment(
            #"{\#(who),"groupId":"g","traits":{"seats":3}}"#, as: .group)
        #expect(group.properties == ["group_id": "g", "group_traits": ["seats": 3]])
        #expect(group.participant?.traits == nil, "they are the group's")
        let alias = try Translations.segment(#"{\#(who),"previousId":"anon"}"#, as: .alias)
        #expect(alias.participant?.anonymousID == "anon")
        #expect(SegmentCall(path: "t") == .track && SegmentCall(path: "screen") == .screen)
        #expect(SegmentCall(path: "x") == nil)
    }

    @Test func `what a batch says once holds for each of its events that says no other`() throws {
        let event = try Translations.segment(
            """
            {"type":"track","event":"a","messageId":"m","userId":"u",
             "timestamp":"2027-01-15T07:59:59Z","context":{"locale":"de"}}
            """, context: #"{"locale":"en","library":{"name":"x"},"ip":"192.0.2.1"}"#,
            sentAt: Translations.now + .seconds(7200))
        #expect(event.context?["locale"] == "de")
        #expect(event.context?.at("library.name") == "x")
        #expect(event.context?["ip"] == nil)
        #expect(event.occurredAt.description == "2027-01-15T05:59:59.000Z")
        #expect(event.context?.at("told.occurred_at") == "2027-01-15T07:59:59.000Z")
    }

    @Test func `a retry is the same event whatever it says of its sending`() throws {
        func call(_ sentAt: String) throws -> PendingEvent {
            try Translations.pending(
                SegmentTranslation(receivedAt: Translations.now).read(
                    try Translations.parse(
                        #"{"event":"a","userId":"u","messageId":"m","sentAt":"\#(sentAt)","#
                            + #""_metadata":{"n":"\#(sentAt)"},"writeKey":"k"}"#), as: .track))
        }
        let (first, again) = (try call("2027-01-15T08:00:00Z"), try call("2027-01-15T08:09:00Z"))
        #expect(first.identity == again.identity)
        #expect(first.bodyHash == again.bodyHash)
    }

    @Test func `an event without an id is one event when it is timed, else a new one each time`()
        throws
    {
        func id(_ more: String, at index: Int) throws -> String {
            let reading = SegmentTranslation(receivedAt: Translations.now).read(
                try Translations.parse(#"{"event":"a","userId":"u"\#(more)}"#), as: .track,
                at: index)
            return try Translations.stored(reading).eventID
        }
        let timed = #","timestamp":"2027-01-15T08:00:00Z""#
        #expect(try id(timed, at: 0) == id(timed, at: 1))
        #expect(try id("", at: 0) != id("", at: 1))
    }

    @Test(arguments: [
        ("7", "not_an_object", ""), ("{}", "invalid_type", "/type"),
        (#"{"type":"merge"}"#, "invalid_type", "/type"),
        (#"{"type":"track","userId":"u"}"#, "invalid_event", "/event"),
        (#"{"type":"track","event":"a"}"#, "participant_required", "/userId"),
        (
            #"{"type":"track","event":"a","userId":"u","properties":[]}"#, "invalid_properties",
            "/properties"
        ),
        (#"{"type":"identify","userId":"u","traits":1}"#, "invalid_traits", "/traits"),
    ])
    func `a refusal names the field as the sender does`(
        _ text: String, _ code: String, _ pointer: String
    ) {
        #expect { try Translations.segment(text) } throws: { error in
            let rejection = error as? EventRejection
            return rejection?.code == code && rejection?.pointer == pointer
        }
    }
}
