import Contracts
import Kernel

/// Whose profile a row is.
struct ParticipantKey: Sendable, Hashable, Comparable {
    let clientID: ClientID
    let participantID: ParticipantID

    static func < (left: Self, right: Self) -> Bool {
        (left.clientID, left.participantID) < (right.clientID, right.participantID)
    }
}

/// What a batch of events tells of one participant, and what it changes. Pure.
struct ParticipantNews: Sendable {
    let key: ParticipantKey
    let externalID: String
    private var seen: SeenTimes
    /// The events with traits, in order.
    private var telling: [LogEvent] = []
    private let firstPosition: Int

    /// Whether the traits have to be read to know what changes.
    var tellsTraits: Bool { !telling.isEmpty }

    init(_ key: ParticipantKey, externalID: String, firstOf event: LogEvent) {
        self.key = key
        self.externalID = externalID
        seen = SeenTimes(of: event)
        firstPosition = event.position.position
        note(event)
    }

    /// Adds a later event of the same participant.
    mutating func add(_ event: LogEvent) {
        seen.merge(SeenTimes(of: event))
        note(event)
    }

    private mutating func note(_ event: LogEvent) {
        if event.participant?.told != nil { telling.append(event) }
    }

    /// What has to be written over what is stored, nil for nothing: a profile is written only when
    /// it is new, when something but `last_seen_at` changes, and when that moves by a minute or
    /// more. Also tells how many traits were left out.
    ///
    /// - Parameter stored: nil for somebody who is new. With traits if these events tell any.
    func change(of stored: StoredParticipant?) -> (change: ParticipantChange?, leftOut: Int) {
        guard let stored else {
            var traits = ToldTraits(before: firstPosition)
            let leftOut = merge(into: &traits)
            return (change(seen, traits), leftOut)
        }
        var seen = seen
        seen.merge(stored.seen)
        guard var traits = stored.traits else {
            return (seen.mustReplace(stored.seen) ? change(seen, nil) : nil, 0)
        }
        let before = traits.position
        let leftOut = merge(into: &traits)
        if traits.position != before { return (change(seen, traits), leftOut) }
        return (seen.mustReplace(stored.seen) ? change(seen, nil) : nil, leftOut)
    }

    private func merge(into traits: inout ToldTraits) -> Int {
        telling.reduce(0) { $0 + traits.merge($1) }
    }

    private func change(_ seen: SeenTimes, _ traits: ToldTraits?) -> ParticipantChange {
        ParticipantChange(key: key, externalID: externalID, seen: seen, traits: traits)
    }
}

/// What a batch has to know of a stored profile.
struct StoredParticipant: Sendable, Hashable {
    let seen: SeenTimes
    /// Nil where they are not asked for.
    let traits: ToldTraits?
}

/// A profile that has to be written.
struct ParticipantChange: Sendable, Hashable {
    let key: ParticipantKey
    let externalID: String
    let seen: SeenTimes
    /// Nil leaves the stored ones as they are. Never nil for somebody who is new.
    let traits: ToldTraits?
}
