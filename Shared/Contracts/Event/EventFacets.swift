import Kernel

/// What an event has about it besides its type, as far as readers of the log choose by it.
///
/// Event-service decides it once, when it takes the event, so that who does not want an event never
/// reads it. An event may be given a facet that it has not; one that it has is never left out.
package struct EventFacets: OptionSet, Sendable, Hashable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// Names a person and a visitor: the two are the same.
    package static let identity = EventFacets(rawValue: 1)
    /// Says beside its properties which referral link brought its visitor.
    package static let referral = EventFacets(rawValue: 2)
    /// Tells traits of a person.
    package static let traits = EventFacets(rawValue: 4)
    /// Shows a person who was not seen lately, or not so long ago: see `Sighting`. An event has it
    /// or not by what the log held before it.
    package static let sighting = EventFacets(rawValue: 8)

    /// Every facet that this version knows.
    package static let all: EventFacets = [.identity, .referral, .traits, .sighting]

    /// The facets by the names that queries and channels have for them, in their order.
    package static let named: [(name: String, facet: EventFacets)] = [
        ("identity", .identity), ("referral", .referral), ("traits", .traits),
        ("sighting", .sighting),
    ]

    /// The facets of these names; nil when one of them is unknown.
    package init?(names: some Sequence<some StringProtocol>) {
        self = []
        for name in names {
            guard let known = Self.named.first(where: { $0.name == name }) else { return nil }
            insert(known.facet)
        }
    }

    /// Its names, in their order.
    package var names: [String] { Self.named.filter { contains($0.facet) }.map(\.name) }
}

extension EventFacets {
    /// What a stored event has at most: nothing before it counts as a sighting. A service's message
    /// has nothing: it is about nobody's visit.
    package init(_ event: LogEvent) {
        self = []
        guard let participant = event.participant, event.trust != .internal else { return }
        if participant.participantID != nil {
            insert(.sighting)
            if participant.anonymousID != nil { insert(.identity) }
            if let traits = participant.traits, !traits.isEmpty { insert(.traits) }
        }
        if event.origin?.member("referral")?.value.object != nil { insert(.referral) }
    }
}
