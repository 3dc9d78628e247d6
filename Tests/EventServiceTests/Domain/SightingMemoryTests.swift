import Contracts
import FoundationEssentials
import Kernel
import SecurityKit
import Testing

@testable import EventService

/// Which events of a person who is seen all the time readers are told of.
@Suite struct SightingMemoryTests {
    private let client = ClientID(UUID())
    private let start = SystemClock().now()

    private func event(_ person: String?, at seconds: Int64, type: String = "page_viewed")
        -> PendingEvent
    {
        let identity = UUID()
        let sighting = person.map {
            PersonSighting(
                person: ParticipantID.derived(client: client, externalID: $0),
                seenAt: start + .seconds(seconds))
        }
        return PendingEvent(
            clientID: client, campaignID: nil, type: type,
            facets: sighting == nil ? [.referral] : [.sighting, .identity], sighting: sighting,
            identity: identity, bodyHash: identity, envelope: [])
    }

    /// Appends batches one after the other; whether each of their events is told of.
    private func told(
        _ batches: [[PendingEvent]], _ memory: inout SightingMemory, shard: Int = 1,
        head: Int = 0
    ) -> [[Bool]] {
        var head = head
        return batches.map { batch in
            let news = memory.news(of: batch, in: shard, after: head)
            head += batch.count
            memory.note(news, in: shard, head: head)
            return news.facets.map { $0.contains(.sighting) }
        }
    }

    @Test func `a person is told of once within the tolerance, others by themselves`() {
        var memory = SightingMemory()
        let news = memory.news(
            of: [
                event("anna", at: 0), event("bert", at: 0), event("anna", at: 1), event(nil, at: 1),
            ],
            in: 1, after: 0)
        #expect(
            news.facets == [[.sighting, .identity], [.sighting, .identity], .identity, .referral])
        memory.note(news, in: 1, head: 4)
        let later = told(
            [
                [event("anna", at: 29)], [event("anna", at: 30)], [event("anna", at: 59)],
                [event("anna", at: 61), event("anna", at: 90), event("anna", at: 91)],
            ], &memory, head: 4)
        #expect(later == [[false], [true], [false], [true, false, true]])
    }

    @Test func `somebody who was there before what was told is told of again`() {
        var memory = SightingMemory()
        let found = told(
            [[event("anna", at: 0)], [event("anna", at: -1)], [event("anna", at: -1)]], &memory)
        #expect(found == [[true], [true], [false]])
    }

    @Test func `what is not known to be in the log was not told`() {
        var memory = SightingMemory()
        let lost = memory.news(of: [event("anna", at: 0)], in: 1, after: 0)
        #expect(lost.facets == [[.sighting, .identity]])
        // The commit failed, and the next batch comes to the same place.
        #expect(told([[event("anna", at: 1)]], &memory) == [[true]])
    }

    @Test func `what another replica wrote in between makes everything of the shard new`() {
        var memory = SightingMemory()
        #expect(
            told([[event("anna", at: 0)], [event("anna", at: 1)]], &memory) == [[true], [false]])
        #expect(told([[event("bert", at: 0)]], &memory, shard: 2) == [[true]])
        #expect(told([[event("anna", at: 2)]], &memory, head: 3) == [[true]])
        #expect(told([[event("bert", at: 2)]], &memory, shard: 2, head: 1) == [[false]])
    }

    @Test func `somebody who was erased is new`() {
        var memory = SightingMemory()
        let erasure = event(nil, at: 1, type: ParticipantErased.type)
        let found = told(
            [
                [event("anna", at: 0)], [event("anna", at: 1), erasure, event("anna", at: 1)],
                [event("anna", at: 2)], [event("anna", at: 3)],
            ], &memory)
        #expect(found == [[true], [true, false, true], [true], [false]])
    }

    @Test func `a full memory forgets the oldest, who are told of once more`() {
        var memory = SightingMemory(capacity: 10)
        let crowd = (0..<25).map { [event("\($0)", at: 0)] }
        #expect(told(crowd, &memory).allSatisfy { $0 == [true] })
        let again = told(
            [[event("24", at: 1)], [event("19", at: 1)], [event("0", at: 1)]], &memory, head: 25)
        #expect(again == [[false], [false], [true]])
    }

    @Test func `who is told only of sightings knows when somebody was seen to the tolerance`() {
        var memory = SightingMemory(capacity: 5)
        var random = SystemRandomNumberGenerator()
        var (head, clock) = (0, Int64(0))
        var truth: [ParticipantID: SightingMemory.Span] = [:]
        var read: [ParticipantID: SightingMemory.Span] = [:]
        for _ in 0..<2000 {
            let batch = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                clock += Int64.random(in: 0...9, using: &random)
                return event(
                    "\(Int.random(in: 0..<4, using: &random))",
                    at: clock - Int64.random(in: 0...3, using: &random) * 20)
            }
            // Now and then another replica writes, or a commit fails.
            if Int.random(in: 0..<50, using: &random) == 0 { head += 1 }
            let news = memory.news(of: batch, in: 1, after: head)
            if Int.random(in: 0..<20, using: &random) == 0 { continue }
            head += batch.count
            memory.note(news, in: 1, head: head)
            for (event, facets) in zip(batch, news.facets) {
                guard let sighting = event.sighting else { continue }
                let new = SightingMemory.Span(sighting.seenAt)
                truth[sighting.person, default: new].widen(to: sighting.seenAt)
                guard facets.contains(.sighting) else { continue }
                read[sighting.person, default: new].widen(to: sighting.seenAt)
            }
            for (person, span) in truth {
                #expect(read[person]?.first == span.first)
                #expect(span.last - (read[person]?.last ?? start) < Sighting.tolerance)
            }
        }
    }
}
