import Contracts
import FoundationEssentials
import Kernel
import SecurityKit
import Testing

@testable import ClientService

@Suite struct ParticipantNewsTests {
    private let client = ClientID(UUID())
    private static let start = Timestamp(microseconds: 1_800_000_000_000_000)

    private func event(
        _ position: Int, _ type: String = "seen", at seconds: Int, received: Int = 100_000,
        trust: Trust = .server, _ traits: [String: JSONValue]? = nil
    ) -> LogEvent {
        LogEvent(
            position: LogPosition(shard: 0, position: position), eventID: "e\(position)",
            type: type, clientID: client,
            participant: LogParticipant(
                participantID: .derived(client: client, externalID: "u"), externalID: "u",
                traits: traits),
            occurredAt: Self.start + .seconds(seconds), receivedAt: Self.start + .seconds(received),
            trust: trust, properties: [:])
    }

    private var key: ParticipantKey {
        ParticipantKey(
            clientID: client, participantID: .derived(client: client, externalID: "u"))
    }

    private func news(_ events: [LogEvent]) -> ParticipantNews {
        var news = ParticipantNews(key, externalID: "u", firstOf: events[0])
        for event in events.dropFirst() { news.add(event) }
        return news
    }

    /// What is stored after batches, and whether each of them wrote.
    private func store(
        _ batches: [LogEvent]...
    ) -> (stored: StoredParticipant?, writes: [Bool]) {
        var stored: StoredParticipant?
        var writes: [Bool] = []
        for batch in batches {
            let news = news(batch)
            let asked = stored.map {
                StoredParticipant(seen: $0.seen, traits: news.tellsTraits ? $0.traits : nil)
            }
            let change = news.change(of: asked).change
            writes.append(change != nil)
            guard let change else { continue }
            stored = StoredParticipant(seen: change.seen, traits: change.traits ?? stored?.traits)
        }
        return (stored, writes)
    }

    private func time(_ seconds: Int) -> Timestamp { Self.start + .seconds(seconds) }

    @Test func `times are the least and greatest of what was told, in any order`() {
        let events = [
            event(1, at: 50), event(2, "user_signed_up", at: 20),
            event(3, "user_signed_up", at: 30), event(4, at: 10),
        ]
        for order in [events, events.reversed(), events + events] {
            let seen = store(order).stored?.seen
            #expect(
                seen
                    == SeenTimes(
                        firstSeenAt: time(10), lastSeenAt: time(50), signedUpAt: time(20)))
        }
    }

    @Test func `a browser cannot claim to have been there for years`() {
        let seen = store([
            event(1, "user_signed_up", at: -1_000_000, received: 5, trust: .browser)
        ]).stored?.seen
        #expect(
            seen == SeenTimes(firstSeenAt: time(5), lastSeenAt: time(5), signedUpAt: time(5)))
    }

    @Test func `only trusted sources tell traits that count for money`() {
        let traits = store([
            event(1, at: 0, trust: .server, ["plan": "free", "tier": "gold"]),
            event(2, at: 1, trust: .browser, ["plan": "pro", "theme": "dark"]),
            event(3, at: 2, trust: .signedUser, ["city": "Bern"]),
        ]).stored?.traits
        #expect(
            traits?.all.values
                == ["plan": "pro", "tier": "gold", "theme": "dark", "city": "Bern"])
        #expect(traits?.trusted.values == ["plan": "free", "tier": "gold", "city": "Bern"])
    }

    @Test func `the newest position decides a trait, and an event again changes nothing`() {
        let events = [
            event(1, at: 9, ["plan": "free"]), event(2, at: 0, ["plan": "pro"]),
            event(3, at: 0, ["plan": "team"]),
        ]
        let team = store(events).stored
        #expect(team?.traits?.all.values == ["plan": "team"])
        #expect(store(events, events).stored == team)
        #expect(store(events, [events[0]]).stored == team)
        #expect(store(events, Array(events.dropFirst())).stored == team)
        #expect(store(events, events).writes == [true, false])
        #expect(store([events[0]], [events[1]], [events[2]]).stored == team)
    }

    @Test func `somebody who is busy is written once a minute, whatever the batches`() {
        let second = (0..<600).map { event($0 + 1, at: $0) }
        let one = store(second)
        #expect(one.writes == [true] && one.stored?.seen.lastSeenAt == time(599))
        var stored: StoredParticipant?
        var writes = 0
        for (place, event) in second.enumerated() {
            guard let change = news([event]).change(of: stored).change else {
                let behind = time(place) - (stored?.seen.lastSeenAt ?? time(0))
                #expect(behind < SeenTimes.tolerance && behind > .zero)
                continue
            }
            writes += 1
            #expect(change.seen.lastSeenAt == time(place), "what is written is exact")
            stored = StoredParticipant(seen: change.seen, traits: nil)
        }
        #expect(writes == 10)
    }

    @Test func `a profile is written again for what is more than having been seen`() {
        let first = event(1, at: 100)
        #expect(store([first], [event(2, at: 159)]).writes == [true, false])
        #expect(store([first], [event(2, at: 160)]).writes == [true, true])
        #expect(store([first], [event(2, at: 130), event(3, at: 160)]).writes == [true, true])
        #expect(store([first], [event(2, at: 99)]).writes == [true, true], "first seen before")
        let signedUp = event(2, "user_signed_up", at: 110)
        #expect(store([first], [signedUp], [signedUp]).writes == [true, true, false])
        let told = event(2, at: 110, ["plan": "pro"])
        let again = event(3, at: 120, ["plan": "pro"])
        let other = event(4, at: 0, received: 121, trust: .browser, ["plan": "team"])
        let known = store([first], [told], [again], [other])
        #expect(known.writes == [true, true, false, true])
        #expect(known.stored?.seen.lastSeenAt == time(121))
        #expect(known.stored?.traits?.position == 4)
        #expect(store([first], [told], [again], [told, again]).writes.last == false)
    }

    @Test func `a trait that comes and goes within a batch keeps its place in the log`() {
        let first = event(1, at: 0, ["plan": "free"])
        let pro = event(2, at: 1, ["plan": "pro"])
        let free = event(3, at: 2, ["plan": "free"])
        let known = store([first], [pro, free], [pro])
        #expect(known.writes == [true, true, false])
        #expect(known.stored?.traits?.all.values == ["plan": "free"])
    }

    @Test func `what does not fit is left out each time, and is no reason to write`() {
        let long = JSONValue.string(String(repeating: "x", count: TraitSet.maximumBytes))
        let known = store([event(1, at: 0)]).stored
        let (change, leftOut) = news([event(2, at: 1, ["long": long])]).change(of: known)
        #expect(change == nil && leftOut == 2)
    }
}
