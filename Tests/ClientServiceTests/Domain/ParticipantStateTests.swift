import Contracts
import FoundationEssentials
import Kernel
import SecurityKit
import Testing

@testable import ClientService

@Suite struct ParticipantStateTests {
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

    private func state(_ events: [LogEvent]) -> ParticipantState {
        var state = ParticipantState(
            firstOf: events[0], participantID: .derived(client: client, externalID: "u"),
            externalID: "u")
        for event in events { _ = state.apply(event) }
        return state
    }

    @Test func `times are the least and greatest of what was told, in any order`() {
        let events = [
            event(1, at: 50), event(2, "user_signed_up", at: 20),
            event(3, "user_signed_up", at: 30), event(4, at: 10),
        ]
        for order in [events, events.reversed(), events + events] {
            let state = state(order)
            #expect(state.firstSeenAt == Self.start + .seconds(10))
            #expect(state.lastSeenAt == Self.start + .seconds(50))
            #expect(state.signedUpAt == Self.start + .seconds(20))
        }
    }

    @Test func `a browser cannot claim to have been there for years`() {
        let state = state([
            event(1, "user_signed_up", at: -1_000_000, received: 5, trust: .browser)
        ])
        #expect(state.firstSeenAt == Self.start + .seconds(5))
        #expect(state.signedUpAt == Self.start + .seconds(5))
    }

    @Test func `only trusted sources tell traits that count for money`() {
        let state = state([
            event(1, at: 0, trust: .server, ["plan": "free", "tier": "gold"]),
            event(2, at: 1, trust: .browser, ["plan": "pro", "theme": "dark"]),
            event(3, at: 2, trust: .signedUser, ["city": "Bern"]),
        ])
        #expect(
            state.profile.traits
                == ["plan": "pro", "tier": "gold", "theme": "dark", "city": "Bern"])
        #expect(state.profile.trustedTraits == ["plan": "free", "tier": "gold", "city": "Bern"])
    }

    @Test func `the newest position decides a trait, and an event again changes nothing`() {
        let events = [
            event(1, at: 9, ["plan": "free"]), event(2, at: 0, ["plan": "pro"]),
            event(3, at: 0, ["plan": "team"]),
        ]
        #expect(state(events).traits.values == ["plan": "team"])
        #expect(state(events + events).traits.values == ["plan": "team"])
        #expect(state(events + [events[0]]).traits.values == ["plan": "team"])
        #expect(state(events + Array(events.dropFirst())) == state(events))
    }
}
