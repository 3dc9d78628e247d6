import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import Testing

@testable import EventService

/// What the log notes of events for those who choose by it.
@Suite struct EventFacetTests {
    private let client = ClientID(UUID())

    private func pending(_ members: String) throws -> PendingEvent {
        let now = SystemClock().now()
        let slice = try JSONSlice(
            parsing: Array(
                #"{"event":"page_viewed","event_id":"a","occurred_at":"\#(now)"\#(members)}"#
                    .utf8))
        let context = IngestContext(
            clientID: client, trust: .browser, receivedAt: now,
            traceparent: TraceContext().traceparent)
        let clock = SenderClock(receivedAt: now, sentAt: nil)
        return EventEnvelope.pending(
            try IncomingEvent(slice, clock, allowsNobody: true), context)
    }

    /// The event as its readers see it.
    private func stored(_ pending: PendingEvent) throws -> LogEvent {
        let bytes = Array(#"{"position":"0:1","#.utf8) + pending.envelope.dropFirst()
        return try #require(LogEvent(try JSONSlice(parsing: bytes)))
    }

    @Test(
        arguments: [
            (#""#, []),
            (#","participant_id":"anna""#, .sighting),
            (#","anonymous_id":"v""#, []),
            (#","anonymous_id":"v","participant_id":"anna""#, [.sighting, .identity]),
            (#","anonymous_id":"v","traits":{"email":"a@b.c"}"#, []),
            (#","participant_id":"anna","traits":{"email":"a@b.c"}"#, [.sighting, .traits]),
            (#","participant_id":"anna","traits":{}"#, .sighting),
            (#","participant_id":"anna","traits":null"#, .sighting),
            (#","anonymous_id":"v","referral":{"code":"bcdfghjk"}"#, .referral),
            (#","anonymous_id":"v","refe\u0072ral":{"click_id":"x"}"#, .referral),
            (#","anonymous_id":"v","referral":"bcdfghjk""#, []),
            (#","anonymous_id":"v","page":{"referral":{"code":"bcdfghjk"}}"#, []),
            (#","anonymous_id":"v","properties":{"referral":{"code":"bcdfghjk"}}"#, []),
            (#","referral":{"code":"bcdfghjk"}"#, []),
            (
                #","anonymous_id":"v","participant_id":"a","traits":{"n":1},"referral":{"code":"b"}"#,
                .all
            ),
        ] as [(String, EventFacets)])
    func `what is noted of an event is what its readers see`(
        members: String, facets: EventFacets
    ) throws {
        let pending = try pending(members)
        #expect(pending.facets == facets)
        #expect(EventFacets(try stored(pending)) == facets)
    }

    @Test func `a service's message is about nobody's visit`() throws {
        let message = LogMessage(
            id: "m", type: CampaignMessage.activated, clientID: client,
            occurredAt: SystemClock().now(), data: ["referral": ["code": "bcdfghjk"]])
        let pending = try EventEnvelope.pending(message, receivedAt: SystemClock().now())
        #expect(pending.facets == [])
        #expect(EventFacets(try stored(pending)) == [])
    }

    @Test func `a blanked event has nothing any more, those beside it have what they had`() throws {
        let events = try [
            #","anonymous_id":"v","participant_id":"anna","referral":{"code":"b"}"#,
            #","anonymous_id":"w","participant_id":"bert","referral":{"code":"b"}"#,
        ].map { try pending($0) }
        let draft = try #require(
            SegmentDraft.cut(events, facets: events.map(\.facets), after: 0).first)
        var erasure = SegmentErasure(
            ErasedPerson(externalID: "anna", anonymousIDs: []), of: client)
        let rewritten = try erasure.rewrite(StoredSegment(draft), shard: 0)
        let entries = try #require(rewritten?.header.entries)
        #expect(entries.map(\.facets) == [[], [.sighting, .identity, .referral]])
    }
}
