import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import ServiceKit
import TestKit
import Testing

@testable import ReferralService

/// Events by the thousand that nobody's referral depends on.
@Suite(.timeLimit(.minutes(2))) struct FloodTests {
    private func taken(_ harness: ReferralHarness) async throws -> Int {
        let response = try await harness.http.send(
            ClientRequest(url: harness.service.url + "/metrics"))
        let name = #"grapevine_subscriber_events_total{subscriber="referral"} "#
        let line = String(decoding: response.body, as: UTF8.self).split(separator: "\n")
            .first { $0.hasPrefix(name) }
        return line.flatMap { Int($0.dropFirst(name.count)) } ?? 0
    }

    @Test func `a flood goes by unread, and what is among it is taken`() async throws {
        try await ReferralHarness.run { harness in
            let campaign = try sampleCampaign(harness.client)
            let link = try await harness.issue(
                campaign, "a", position: try harness.publish(campaign))
            let before = try await taken(harness)
            for number in 0..<1000 {
                harness.event(visitor: "v\(number)")
                harness.event("order.paid", person: "p\(number)")
                if number == 500 { harness.event(visitor: "v7", code: link.code) }
            }
            harness.event(person: "b", visitor: "v7")
            harness.event(person: "b", traits: ["email": "b@example.com"])
            try await harness.settle()
            #expect(try await taken(harness) - before == 3)
            #expect(try await harness.count("referral_attribution") == 1)
            #expect(try await harness.count("referral_email") == 1)
        }
    }

    @Test func `events that are not wanted have no effect, alone or among the others`()
        async throws
    {
        var states: [[String]] = []
        for all in [true, false] {
            try await EventBench.with { bench in
                let events = bench.minute().enumerated().flatMap { number, event in
                    [
                        event, sampleEvent(of: bench.client, person: "p\(number % 30)"),
                        sampleEvent(
                            of: bench.client, visitor: "v\(number % 40)",
                            properties: ["code": .string(bench.a.code)],
                            traits: ["email": "x@example.com"]),
                        sampleEvent(
                            "referral_visit", of: bench.client, visitor: "w\(number)",
                            properties: ["code": .string(bench.c.code)]),
                    ]
                }
                let wanted = events.filter {
                    ReferralEvents.wanted.includes(type: $0.type, facets: EventFacets($0))
                }
                #expect(wanted.count < events.count - 240)
                try await bench.apply(all ? events : wanted)
                let kept = try await bench.state()
                #expect(kept.count > 200)
                states.append(["\(kept.count)"] + Self.counts(kept))
                try await bench.apply(all ? wanted : events)
                #expect(try await bench.state() == kept)
            }
        }
        #expect(states[0] == states[1])
    }

    /// How many rows of each table there are.
    private static func counts(_ state: [String]) -> [String] {
        Dictionary(grouping: state) { String($0.prefix { $0 != " " }) }
            .map { "\($0) \($1.count)" }.sorted()
    }
}
