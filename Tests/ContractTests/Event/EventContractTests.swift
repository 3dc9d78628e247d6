import Contracts
import Foundation
import HTTPKit
import Kernel
import Testing

@Suite struct EventContractTests {
    private let client = ClientID("cli_01h455vb4pex5vsknk084sn02q")
    private let campaign = CampaignID("cmp_01h455vb4pex5vsknk084sn02q")
    private let time = Timestamp(microseconds: 1_700_000_000_123_000)

    @Test func `services have their names and ports`() {
        #expect(ServiceName.client.executableName == "client-service")
        #expect(ServiceName.allCases.map(\.defaultPort) == Array(8101...8108))
    }

    @Test func `a position is written in one way only`() {
        #expect(LogPosition("3:1042") == LogPosition(shard: 3, position: 1042))
        #expect(LogPosition(shard: 0, position: 0).description == "0:0")
        for wrong in ["", ":", "1", "1:", ":1", "1:2:3", " 1:2", "1:-2", "+1:2", "01:2", "1:02"] {
            #expect(LogPosition(wrong) == nil, "\(wrong)")
        }
        #expect(LogPosition("1:9999999999999999999") == nil)
    }

    @Test func `a message has the names that the log reads`() throws {
        let message = LogMessage(
            id: "m1", type: "campaign.activated", clientID: try #require(client),
            campaignID: campaign, subject: "s", occurredAt: time, data: ["revision": 2],
            traceparent: nil)
        try expect(
            message,
            """
            {"id":"m1","type":"campaign.activated","client_id":"cli_01h455vb4pex5vsknk084sn02q",
            "campaign_id":"cmp_01h455vb4pex5vsknk084sn02q","subject":"s",
            "occurred_at":"2023-11-14T22:13:20.123Z","data":{"revision":2}}
            """)
    }

    @Test func `an event has the names that subscribers read`() throws {
        let event = LogEvent(
            position: LogPosition(shard: 3, position: 7), eventID: "e1", type: "signup",
            clientID: try #require(client),
            participant: LogParticipant(
                participantID: ParticipantID("ptc_01h455vb4pex5vsknk084sn02q"), externalID: "u1",
                anonymousID: "a1", traits: ["plan": "pro"]),
            occurredAt: time, receivedAt: time, trust: .signedUser, properties: ["a": 1],
            context: ["ip": "x"])
        try expect(
            event,
            """
            {"position":"3:7","event_id":"e1","type":"signup",
            "client_id":"cli_01h455vb4pex5vsknk084sn02q",
            "participant":{"participant_id":"ptc_01h455vb4pex5vsknk084sn02q","external_id":"u1",
            "anonymous_id":"a1","traits":{"plan":"pro"}},
            "occurred_at":"2023-11-14T22:13:20.123Z","received_at":"2023-11-14T22:13:20.123Z",
            "trust":"signed_user","properties":{"a":1},"context":{"ip":"x"}}
            """)
    }

    @Test func `an event read from a page is the event that was written`() throws {
        let event = LogEvent(
            position: LogPosition(shard: 3, position: 7), eventID: "e\"1", type: "signup",
            clientID: try #require(client), campaignID: campaign,
            participant: LogParticipant(
                participantID: ParticipantID("ptc_01h455vb4pex5vsknk084sn02q"), externalID: "u1",
                traits: ["plan": "pro"]),
            occurredAt: time, receivedAt: time, trust: .server, subject: "s",
            properties: ["a": [1, nil, "x"]], context: ["page": ["path": "/"]])
        let page = FeedPage(shard: 3, events: [event], next: 7, head: 9)
        let read = try FeedPage(JSONSlice(parsing: JSONCoding.encode(page)))
        #expect(read == page)
        #expect(read.events[0].participant?.traits == ["plan": "pro"])
        #expect(read.events[0].content.member("a")?.value == [1, nil, "x"])
        #expect(try JSONCoding.encode(read.events[0]) == JSONCoding.encode(event))
        #expect(try Array(read.events[0].written ?? []) == JSONCoding.encode(event))
    }

    @Test(arguments: [
        #""position":"3""#, #""client_id":"x""#, #""trust":"none""#, #""occurred_at":7"#,
        #""participant":[]"#, #""participant":{"participant_id":"x"}"#, #""subject":1"#,
    ])
    func `an event with a member that is none is not read`(_ wrong: String) throws {
        let name = wrong.split(separator: "\"")[0]
        let right = [
            #""position":"3:7""#, #""event_id":"e""#, #""type":"t""#,
            #""client_id":"cli_01h455vb4pex5vsknk084sn02q""#,
            #""occurred_at":"2023-11-14T22:13:20.123Z""#,
            #""received_at":"2023-11-14T22:13:20.123Z""#, #""trust":"server""#,
            #""properties":{}"#, #""subject":null"#, #""participant":null"#,
        ]
        func event(_ members: [String]) throws -> LogEvent? {
            LogEvent(try JSONSlice(parsing: Array("{\(members.joined(separator: ","))}".utf8)))
        }
        #expect(try event(right) != nil)
        let others = right.filter { !$0.hasPrefix("\"\(name)\"") }
        #expect(try event(others + [wrong]) == nil)
    }

    @Test func `a page and the answers of an append have their names`() throws {
        try expect(
            FeedPage(shard: 1, events: [], next: 5, head: 9),
            #"{"shard":1,"events":[],"next":5,"head":9}"#)
        try expect(
            LogAppendResponse(results: [
                LogAppendResult(
                    id: "m", status: .accepted, position: LogPosition(shard: 0, position: 1))
            ]),
            #"{"results":[{"id":"m","status":"accepted","position":"0:1"}]}"#)
        try expect(LogShardsResponse(count: 8), #"{"count":8}"#)
    }

    @Test func `a feed's query says only what is asked`() {
        let plain = FeedRequest(subscriber: nil, shard: 2, after: 7, limit: 10)
        #expect(
            plain.queryItems.map { "\($0.name)=\($0.value)" }
                == ["shard=2", "after=7", "limit=10"])
        let full = FeedRequest(
            subscriber: "reward-service", shard: 0, after: 0, wanted: Wanted(types: ["b", "a"]),
            waitMilliseconds: 500)
        #expect(
            full.queryItems.map { "\($0.name)=\($0.value)" } == [
                "shard=0", "after=0", "limit=500", "subscriber=reward-service", "types=a,b",
                "wait_milliseconds=500",
            ])
    }

    @Test func `a question by facets means everything to a log that knows none`() {
        let wanted = Wanted(types: ["b", "a"], facets: [.traits, .identity])
        let request = FeedRequest(
            subscriber: nil, shard: 0, after: 0, limit: 1, wanted: wanted)
        let query = request.queryItems.map { "\($0.name)=\($0.value)" }
        #expect(
            query == ["shard=0", "after=0", "limit=1", "facets=identity,traits", "or_types=a,b"])
        #expect(!query.contains { $0.hasPrefix("types=") })
    }

    @Test func `more types than a query holds are everything`() {
        let many = Set((0..<200).map { "an.event.with.a.name.that.is.rather.long.\($0)" })
        let request = FeedRequest(subscriber: nil, shard: 0, after: 0, wanted: Wanted(types: many))
        #expect(request.wanted.isEverything)
        #expect(request.wanted.covers(Wanted(types: many)))
    }

    @Test func `what is wanted covers less, and nothing beside it`() {
        let wanted = Wanted(types: ["a", "b"], facets: .identity)
        #expect(wanted.covers(Wanted(types: ["a"])))
        #expect(wanted.covers(wanted) && Wanted.everything.covers(wanted))
        #expect(!wanted.covers(Wanted(types: ["c"])))
        #expect(!wanted.covers(Wanted(types: ["a"], facets: .traits)))
        #expect(!wanted.covers(.everything))
        #expect(wanted.includes(type: "c", facets: .identity))
        #expect(wanted.includes(type: "a", facets: []))
        #expect(!wanted.includes(type: "c", facets: .traits))
    }

    @Test func `a channel's name is read back, also with dots in the type`() throws {
        let channel = WakeUpChannel(
            type: "campaign.activated", clientID: try #require(client), campaignID: nil)
        #expect(channel.name == "event.campaign.activated.cli_01h455vb4pex5vsknk084sn02q.-")
        #expect(WakeUpChannel(channel.name) == channel)
        #expect(WakeUpChannel.type(in: channel.name) == "campaign.activated")
        #expect(WakeUpChannel.type(in: FacetChannel(facet: .traits, shard: 3).name) == nil)
        let other = WakeUpChannel(
            type: "signup", clientID: try #require(client), campaignID: campaign)
        #expect(WakeUpChannel(other.name) == other)
        for wrong in ["event.a.b.c", "event.cli_01h455vb4pex5vsknk084sn02q.-", "x.\(other.name)"] {
            #expect(WakeUpChannel(wrong) == nil)
        }
    }

    @Test func `a type holds nothing that a query or a Redis pattern would read`() {
        for type in ["signup", "campaign.activated", "Order_Paid-2:x"] {
            #expect(EventType.isValid(type), "\(type)")
        }
        let long = String(repeating: "a", count: 101)
        for text in ["", "a b", "a,b", "a*", "a?", "a[b", "é", long] {
            #expect(!EventType.isValid(text), "\(text)")
        }
    }

    /// Written with these names, and read back the same.
    private func expect<Value: Codable & Equatable>(_ value: Value, _ text: String) throws {
        let bytes = try JSONCoding.encode(value)
        #expect(try JSONCoding.parse(bytes) == JSONCoding.parse(Array(text.utf8)))
        let back = try JSONCoding.decode(Value.self, from: bytes, strictness: .strict)
        #expect(back == value)
    }
}
