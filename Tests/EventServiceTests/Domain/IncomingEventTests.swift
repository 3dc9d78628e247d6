import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import SecurityKit
import Testing

@testable import EventService

@Suite struct IncomingEventTests {
    private let now = Timestamp(microseconds: 1_800_000_000_000_000)
    private let client = ClientID(UUID())

    private func read(_ text: String) throws -> IncomingEvent {
        try IncomingEvent(
            try JSONSlice(parsing: Array(text.utf8)), SenderClock(receivedAt: now))
    }

    private func stored(_ text: String, trust: Trust = .server) throws -> LogEvent {
        let context = IngestContext(
            clientID: client, trust: trust, receivedAt: now,
            traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        let pending = EventEnvelope.pending(try read(text), context)
        let bytes = Array(#"{"position":"3:7","#.utf8) + pending.envelope.dropFirst()
        return try JSONCoding.decode(LogEvent.self, from: bytes, strictness: .strict)
    }

    private static let good =
        #""event":"user_signed_up","event_id":"e1","occurred_at":"2027-01-15T07:00:00Z""#

    @Test func `an event becomes the envelope that subscribers read`() throws {
        let event = try stored(
            """
            {\(Self.good), "participant_id":"user \\"1\\"", "anonymous_id":"anon",
             "traits":{"plan":"pro"}, "properties":{"amount":12345678901234567890}, "subject":"o-1",
             "page":{"url":"https://example.com"}, "sdk":{"name":"js"}}
            """)
        #expect(event.eventID == "e1")
        #expect(event.type == "user_signed_up")
        #expect(event.clientID == client)
        #expect(event.trust == .server)
        #expect(event.receivedAt == now)
        #expect(event.subject == "o-1")
        let person = #"user "1""#
        #expect(event.participant?.externalID == person)
        #expect(
            event.participant?.participantID == .derived(client: client, externalID: person))
        #expect(event.participant?.traits == ["plan": "pro"])
        #expect(
            event.properties["amount"]?.number?.text == "12345678901234567890",
            "numbers are not rounded on the way")
        #expect(event.context?.at("page.url") == "https://example.com")
        #expect(event.context?.at("sdk.name") == "js")
    }

    @Test func `a visitor is known by the anonymous id only`() throws {
        let event = try stored(#"{\#(Self.good),"anonymous_id":"a"}"#)
        #expect(event.participant?.participantID == nil)
        #expect(event.participant?.anonymousID == "a")
        #expect(event.properties == [:])
    }

    @Test func `a clock that is days ahead does not move the log into the future`() throws {
        let event = try read(
            #"{"event":"a","event_id":"1","occurred_at":"2099-01-01T00:00:00Z","anonymous_id":"a"}"#
        )
        #expect(event.occurredAt == now)
    }

    @Test(arguments: [
        ("[]", "not_an_object"),
        (#"{"event_id":"1"}"#, "required"),
        (#"{"event":"a b","event_id":"1"}"#, "invalid_event"),
        (#"{"event":"reward.fulfilled","event_id":"1"}"#, "reserved_event"),
        (#"{"event":"key.revoked","event_id":"1"}"#, "reserved_event"),
        (#"{"event":"a"}"#, "required"),
        (#"{"event":"a","event_id":7}"#, "invalid_event_id"),
        (#"{"event":"a","event_id":""}"#, "invalid_event_id"),
        (#"{"event":"a","event_id":"a\u0000b"}"#, "invalid_event_id"),
        (#"{"event":"a","event_id":"1"}"#, "required"),
        (#"{"event":"a","event_id":"1","occurred_at":"yesterday"}"#, "invalid_occurred_at"),
        (#"{\#(good)}"#, "participant_required"),
        (#"{\#(good),"participant_id":null}"#, "participant_required"),
        (#"{\#(good),"participant_id":"a\nb"}"#, "invalid_participant_id"),
        (#"{\#(good),"anonymous_id":"a","campaign_id":"rwd_1"}"#, "invalid_campaign_id"),
        (#"{\#(good),"anonymous_id":"a","properties":[]}"#, "invalid_properties"),
        (#"{\#(good),"anonymous_id":"a","traits":"x"}"#, "invalid_traits"),
    ])
    func `a bad event says what to change`(_ text: String, _ code: String) {
        #expect { try read(text) } throws: { ($0 as? EventRejection)?.code == code }
    }

    @Test func `an event above thirty-two kilobytes is refused`() {
        let text = #"{\#(Self.good),"anonymous_id":"\#(String(repeating: "a", count: 33_000))"}"#
        #expect { try read(text) } throws: { ($0 as? EventRejection)?.code == "event_too_large" }
    }

    @Test func `an event that nests too deeply for its readers is refused`() throws {
        func event(levels: Int) -> String {
            let value =
                String(repeating: "[", count: levels) + #""]{[\\""#
                + String(repeating: "]", count: levels)
            return #"{\#(Self.good),"anonymous_id":"a","x":\#(value)}"#
        }
        #expect(try stored(event(levels: 31)).eventID == "e1")
        #expect { try read(event(levels: 32)) } throws: {
            ($0 as? EventRejection)?.code == "event_too_deep"
        }
    }

    @Test func `an event cannot take the id of a service's message`() throws {
        let context = IngestContext(
            clientID: client, trust: .browser, receivedAt: now, traceparent: "")
        let forged = EventEnvelope.pending(
            try read(
                #"{"event":"a","event_id":"cmp_1/2","occurred_at":"2027-01-15T07:00:00Z","#
                    + #""anonymous_id":"a"}"#), context)
        let message = try EventEnvelope.pending(
            LogMessage(
                id: "cmp_1/2", type: "campaign.paused", clientID: client, occurredAt: now,
                data: [:], traceparent: nil), receivedAt: now)
        #expect(forged.identity != message.identity)
    }

    @Test func `a message of a service is told apart by what it says, not by its trace`() throws {
        func message(_ data: JSONValue, trace: String?) -> LogMessage {
            LogMessage(
                id: "m1", type: "reward.fulfilled", clientID: client, occurredAt: now, data: data,
                traceparent: trace)
        }
        let first = try EventEnvelope.pending(
            message(["a": 1, "b": 2, "c": 3], trace: nil), receivedAt: now)
        let again = try EventEnvelope.pending(
            message(["c": 3, "b": 2, "a": 1], trace: "00-x"), receivedAt: now + .seconds(9))
        let other = try EventEnvelope.pending(message(["a": 2], trace: nil), receivedAt: now)
        #expect(first.identity == again.identity)
        #expect(first.bodyHash == again.bodyHash)
        #expect(other.bodyHash != first.bodyHash)
        let stored = Array(#"{"position":"0:1","#.utf8) + first.envelope.dropFirst()
        let event = try JSONCoding.decode(LogEvent.self, from: stored, strictness: .strict)
        #expect(event.trust == .internal)
        #expect(event.properties["b"] == 2)
    }
}
