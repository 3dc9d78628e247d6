import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import Testing

@testable import EventService

/// An event of a batch takes over what the one before it said alike, and nothing else.
@Suite struct EventAfterEventTests {
    private let now = Timestamp(microseconds: 1_800_000_000_000_000)
    private let client = ClientID(UUID())
    private let enricher: Enricher

    init() throws {
        enricher = Enricher(
            hash: AddressHash(master: Array(repeating: 7, count: 32)),
            geo: try GeoTable(csv: Array("192.0.2.0/24,CH,Bern\n".utf8)),
            readAgent: { UserAgentReader.installed.read($0) })
    }

    private static let page = #""page":{"url":"https://shop.example/?utm_source=x&gclid=1"}"#
    private static let bot = #""user_agent":"Googlebot/2.1""#

    /// Events that differ from one another in one thing that counts, or in nothing that does.
    private static let events: [String] =
        [
            "", page, #""page":{"url":"https://shop.example/?utm_source=y&gclid=1"}"#,
            #""page":{"url":"https://shop.example/?utm_source=x&gclid=1"},"sdk":{"name":"js"}"#,
            #""p\u0061ge":{"url":"https://shop.example/?utm_source=x&gclid=1"}"#,
            #""page": {"url":"https://shop.example/?utm_source=x&gclid=1"}"#,
            #""page":{"url":"https://shop.example/","referrer":"https://www.google.com/"}"#,
            page + #","utm":{"source":"z"}"#, #""utm":{"source":"z"},"# + page,
            page + #","utm":{}"#, page + #","campaign":{"source":"z"}"#,
            page + #","click_ids":{"gclid":"2"}"#, page + #","click_ids":{}"#,
            page + #","referral":{"code":"b"}"#, page + #","first_touch":{"at":"t"}"#,
            page + #","session_id":"s""#, page + #","session_id":"t""#,
            page + #","sessionId":"s""#, page + #","sessionId":"t""#,
            page + "," + bot, page + #","userAgent":"Googlebot/2.1""#,
            page + #","user_agent":"Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0""#,
            page + #","ip":"192.0.2.1""#, page + #","ip":"198.51.100.1""#,
            page + #","sequence":1"#, page + #","sequence":2"#, #""sequence":1,"# + page,
            page + #","posthog":{"$session_id":"s"}"#, page + #","posthog":{"$session_id":"t"}"#,
            page + #","told":{"x":1},"enriched":{"country":"US"}"#,
            page + #","dedup_key":"k","properties":{"plan":"pro"}"#,
        ].map { #""anonymous_id":"a","occurred_at":"2027-01-15T07:00:00Z","# + $0 } + [
            #""anonymous_id":"b","occurred_at":"2027-01-15T07:00:00Z","# + page,
            #""anonymous_id":"a","occurred_at":"2027-01-15T07:00:01Z","# + page,
            #""anonymous_id":"a","occurred_at":"2027-01-14T07:00:00Z","# + page,
            #""anonymous_id":"a","occurred_at":"2099-01-01T00:00:00Z","# + page,
            #""participant_id":"a","occurred_at":"2027-01-15T07:00:00Z","# + page,
        ]

    private func slice(_ members: String) throws -> JSONSlice {
        let members = members.hasSuffix(",") ? String(members.dropLast()) : members
        let text = #"{"event":"page_viewed","event_id":"e",\#(members)}"#
        return try JSONSlice(parsing: Array(text.utf8))
    }

    @Test(arguments: events, [Trust.browser, .server])
    func `it is stored as if it came alone, whatever came before it`(
        _ members: String, _ trust: Trust
    ) throws {
        let clock = SenderClock(receivedAt: now)
        let context = IngestContext(
            clientID: client, trust: trust, receivedAt: now, traceparent: "t")
        func stored(_ event: IncomingEvent, _ memory: inout Enricher.Memory) -> String {
            let surroundings = enricher.context(of: event, context, facts: [], memory: &memory)
            let pending = EventEnvelope.pending(event, context, surroundings: surroundings)
            return String(decoding: pending.envelope, as: UTF8.self)
        }
        var nothing = Enricher.Memory()
        let slice = try slice(members)
        let alone = stored(try IncomingEvent(slice, clock), &nothing)
        #expect(throws: Never.self) { try JSONCoding.parse(Array(alone.utf8)) }
        for before in Self.events {
            let last = try IncomingEvent(try self.slice(before), clock)
            var memory = Enricher.Memory()
            _ = stored(last, &memory)
            let event = try IncomingEvent(slice, clock, after: last)
            #expect(stored(event, &memory) == alone, "after \(before)")
            let again = try IncomingEvent(slice, clock, after: event)
            #expect(stored(again, &memory) == alone, "after itself, after \(before)")
        }
    }

    @Test func `it is checked as if it came alone, whatever was taken before it`() throws {
        let catalogue = ClientCatalogue(schemas: [
            "a": try PropertySchema(
                ofProperties: ["type": "object", "properties": ["n": ["type": "number"]]]),
            "b": try PropertySchema(
                ofProperties: ["type": "object", "properties": ["n": ["type": "string"]]]),
        ])
        func event(_ type: String, _ properties: String) throws -> IncomingEvent {
            let text =
                #"{"event":"\#(type)","event_id":"e","occurred_at":"2027-01-15T07:00:00Z","#
                + #""participant_id":"p"\#(properties)}"#
            return try IncomingEvent(
                try JSONSlice(parsing: Array(text.utf8)), SenderClock(receivedAt: now))
        }
        func rejection(
            _ event: IncomingEvent, after last: IncomingEvent? = nil
        ) -> EventRejection? {
            do throws(EventRejection) {
                try catalogue.check(event, isNative: true, after: last)
                return nil
            } catch {
                return error
            }
        }
        let all = try ["", #","properties":{"n":1}"#, #","properties":{"n":"1"}"#].flatMap {
            [try event("a", $0), try event("b", $0)]
        }
        #expect(all.map { rejection($0) == nil } == [true, true, true, false, false, true])
        for last in all where rejection(last) == nil {
            for event in all { #expect(rejection(event, after: last) == rejection(event)) }
        }
    }

    @Test func `the answer tells what became of each`() throws {
        let results: [IngestResult] = [
            .logged(eventID: "a\"", .accepted(position: 1)),
            .logged(eventID: "b", .duplicate(position: 1)),
            .logged(eventID: "c", .repeated(position: 1)),
            .logged(eventID: "d", .conflict(position: 1)),
            .rejected(eventID: nil, .notAnObject),
            .rejected(eventID: "e", .field("x", "invalid_x", "'x' is \"y\".")),
        ]
        let taken =
            #"{"accepted":1,"duplicate":2,"rejected":3,"results":["#
            + #"{"event_id":"a\"","status":"accepted"},"#
            + #"{"event_id":"b","status":"duplicate"},"#
            + #"{"event_id":"c","status":"duplicate","code":"interaction_repeated","#
            + #""detail":"The same was done within the window, and counted then."},"#
            + #"{"event_id":"d","status":"conflict","code":"event_id_conflict","#
            + #""detail":"Another event with this id was sent before, and stands."},"#
        let refused = [
            #""event_id":null,"status":"rejected","code":"not_an_object","#
                + #""detail":"An event is a JSON object.","pointer":""}"#,
            #""event_id":"e","status":"rejected","code":"invalid_x","#
                + #""detail":"'x' is \"y\".","pointer":"/x"}"#,
        ]
        let body = String(decoding: IngestReply.bytes(results), as: UTF8.self)
        #expect(body == taken + "{\(refused[0]),{\(refused[1])]}")
        #expect(
            IngestReply.refused(results)
                == [#"{"index":4,\#(refused[0])"#, #"{"index":5,\#(refused[1])"#])
        let none = String(decoding: IngestReply.bytes([]), as: UTF8.self)
        #expect(none == #"{"accepted":0,"duplicate":0,"rejected":0,"results":[]}"#)
    }
}
