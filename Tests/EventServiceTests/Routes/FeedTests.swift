import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import MessagingKit
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import EventService

/// What a reader of the log is given when it does not want everything.
@Suite(.timeLimit(.minutes(2))) struct FeedTests {
    private func event(_ id: String, _ type: String, _ more: String) -> String {
        #"{"event":"\#(type)","event_id":"\#(id)","occurred_at":"2026-01-31T09:30:00Z",\#(more)}"#
    }

    private func page(_ wanted: Wanted, of harness: EventHarness, after: Int = 0) async throws
        -> FeedPage
    {
        let shard = ShardMap.installed.shard(of: harness.keys.clientID)
        return try await HTTPLog(peer: harness.peer).feed(
            FeedRequest(subscriber: nil, shard: shard, after: after, wanted: wanted))
    }

    @Test func `a reader is given what has one of its types or facets, and passes over the rest`()
        async throws
    {
        try await EventHarness.run { harness in
            let sent = [
                event("plain", "page_viewed", #""anonymous_id":"v""#),
                event("known", "page_viewed", #""anonymous_id":"v","participant_id":"a""#),
                event("brought", "page_viewed", #""anonymous_id":"w","referral":{"code":"b"}"#),
                event(
                    "told", "page_viewed", #""participant_id":"a","traits":{"email":"a@b.c"}"#),
                event("shared", "referral_shared", #""participant_id":"a""#),
                event("last", "page_viewed", #""participant_id":"a""#),
            ]
            let answer = try await harness.ingest(
                "[\(sent.joined(separator: ","))]", key: harness.keys.publishable.text)
            #expect(answer.body["accepted"] == 6)
            for (facets, expected) in [
                (EventFacets.identity, ["known", "shared"]), (.referral, ["brought", "shared"]),
                (.traits, ["told", "shared"]),
                ([.identity, .traits], ["known", "told", "shared"]),
            ] {
                let page = try await page(
                    Wanted(types: ["referral_shared"], facets: facets), of: harness)
                #expect(page.events.map(\.eventID) == expected)
                #expect(page.next == 6 && page.head == 6)
            }
            let rest = try await page(
                Wanted(types: [], facets: [.identity]), of: harness, after: 2)
            #expect(rest.events.isEmpty && rest.next == 6)
            let all = try await page(.everything, of: harness)
            #expect(all.events.count == 6)
        }
    }

    @Test func `of somebody who is seen all the time a reader of sightings is told once`()
        async throws
    {
        try await EventHarness.run { harness in
            func send(_ ids: [String], _ person: String) async throws {
                let events = ids.map {
                    event($0, "page_viewed", #""participant_id":"\#(person)""#)
                }
                let answer = try await harness.ingest(
                    "[\(events.joined(separator: ","))]", key: harness.keys.publishable.text)
                #expect(answer.body["accepted"] == .number(JSONNumber(ids.count)))
            }
            try await send(["first", "second"], "anna")
            try await send(["third"], "anna")
            try await send(["other"], "bert")
            try await send(["fourth"], "anna")
            let page = try await page(Wanted(types: [], facets: .sighting), of: harness)
            #expect(page.events.map(\.eventID) == ["first", "other"])
            #expect(page.next == 5)
        }
    }

    @Test func `a flood that nobody asked for costs its reader nothing`() async throws {
        try await EventHarness.run { harness in
            let flood = (0..<1000).map {
                event("e\($0)", "page_viewed", #""anonymous_id":"v\#($0)""#)
            }
            let last = event("last", "page_viewed", #""anonymous_id":"v","participant_id":"a""#)
            for batch in [flood[..<500], flood[500...], [last]] {
                let answer = try await harness.ingest(
                    "[\(batch.joined(separator: ","))]", key: harness.keys.secret.text)
                #expect(answer.status == 202)
            }
            let page = try await page(
                Wanted(types: ["campaign.activated"], facets: [.identity]), of: harness)
            #expect(page.events.map(\.eventID) == ["last"])
            #expect(page.next == 1001)
        }
    }

    @Test func `a facet that the log does not know is refused, not passed over`() async throws {
        try await EventHarness.run { harness in
            for (query, expected) in [
                ("facets=identity,colour", "400 unknown_facet"),
                ("facets=identity&types=a", "400 unknown_facet"),
                ("facets=identity&or_types=a", nil),
            ] {
                let refusal = await refusal(of: query, harness)
                #expect(refusal == expected)
            }
        }
    }

    private func refusal(of query: String, _ harness: EventHarness) async -> String? {
        do {
            _ = try await harness.peer.get(
                "\(FeedRequest.path)?shard=0&after=0&\(query)", CallOptions())
            return nil
        } catch {
            guard case .problem(let problem, _) = error else { return "\(error)" }
            return "\(problem.status) \(problem.code)"
        }
    }
}
