import Contracts
import Kernel

/// A participant's profile and how events change it. Pure.
///
/// Times are the least and the greatest of what was told, so they do not depend on the order of
/// events. Traits are those of the newest position; an event that was applied before changes
/// nothing.
struct ParticipantState: Sendable, Hashable {
    static let signUpEvent = "user_signed_up"

    let clientID: ClientID
    let participantID: ParticipantID
    let externalID: String
    private(set) var traits: TraitSet
    private(set) var trustedTraits: TraitSet
    private(set) var firstSeenAt: Timestamp
    private(set) var lastSeenAt: Timestamp
    private(set) var signedUpAt: Timestamp?
    /// Up to which position in the client's shard traits are merged.
    private(set) var position: Int

    init(
        clientID: ClientID, participantID: ParticipantID, externalID: String, traits: TraitSet,
        trustedTraits: TraitSet, firstSeenAt: Timestamp, lastSeenAt: Timestamp,
        signedUpAt: Timestamp?, position: Int
    ) {
        self.clientID = clientID
        self.participantID = participantID
        self.externalID = externalID
        self.traits = traits
        self.trustedTraits = trustedTraits
        self.firstSeenAt = firstSeenAt
        self.lastSeenAt = lastSeenAt
        self.signedUpAt = signedUpAt
        self.position = position
    }

    /// Somebody of whom `event` is the first sign; still to be applied.
    init(firstOf event: LogEvent, participantID: ParticipantID, externalID: String) {
        let seenAt = Self.time(of: event)
        self.init(
            clientID: event.clientID, participantID: participantID, externalID: externalID,
            traits: TraitSet(), trustedTraits: TraitSet(), firstSeenAt: seenAt,
            lastSeenAt: seenAt, signedUpAt: nil, position: 0)
    }

    /// Lets an event take effect. Returns how many traits were left out.
    mutating func apply(_ event: LogEvent) -> Int {
        let seenAt = Self.time(of: event)
        firstSeenAt = min(firstSeenAt, seenAt)
        lastSeenAt = max(lastSeenAt, seenAt)
        if event.type == Self.signUpEvent { signedUpAt = min(signedUpAt ?? seenAt, seenAt) }
        guard event.position.position > position else { return 0 }
        position = event.position.position
        guard let told = event.participant?.traits, !told.isEmpty else { return 0 }
        var leftOut = traits.merge(told)
        if event.trust >= .signedUser { leftOut += trustedTraits.merge(told) }
        return leftOut
    }

    /// When the event counts as having happened. What anyone can forge counts when it came: a rule
    /// may ask for how long somebody has been a user, and a browser could say "since 2001".
    private static func time(of event: LogEvent) -> Timestamp {
        event.trust >= .signedUser ? event.occurredAt : event.receivedAt
    }

    /// The profile for other services and for the portal.
    var profile: ParticipantProfile {
        ParticipantProfile(
            participantID: participantID, clientID: clientID, externalID: externalID,
            traits: .object(traits.values), trustedTraits: .object(trustedTraits.values),
            firstSeenAt: firstSeenAt, lastSeenAt: lastSeenAt, signedUpAt: signedUpAt)
    }
}
