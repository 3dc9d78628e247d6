import Contracts
import Kernel

/// What an event says of the link that brought its visitor. Anyone can write it, so it counts only
/// for what the client itself has: a click of its own, a code of its own.
struct ReferralClaim: Sendable, Hashable {
    /// Events that tell of a visit and carry the claim in their properties.
    static let visitTypes: Set<String> = ["referral_clicked", "referral_visit"]

    let clickID: ClickID?
    let code: ReferralCode?

    /// Reads `referral {click_id, code}` beside the properties, and the properties of a visit.
    /// Nil when there is nothing readable.
    init?(_ event: LogEvent) {
        var places = [event.origin?.member("referral")]
        if Self.visitTypes.contains(event.type) { places.append(event.content) }
        clickID =
            places.lazy.compactMap { $0?.member("click_id")?.string }.compactMap { ClickID($0) }
            .first
        code =
            places.lazy.compactMap { $0?.member("code")?.string }.compactMap { ReferralCode($0) }
            .first
        if clickID == nil, code == nil { return nil }
    }
}

/// A person of one client.
struct PersonKey: Sendable, Hashable, Comparable {
    let clientID: ClientID
    let participantID: ParticipantID

    static func < (left: Self, right: Self) -> Bool {
        (left.clientID, left.participantID) < (right.clientID, right.participantID)
    }
}

/// A browser or device of one client's visitors.
struct VisitorKey: Sendable, Hashable, Comparable {
    let clientID: ClientID
    let anonymousID: String

    static func < (left: Self, right: Self) -> Bool {
        (left.clientID, left.anonymousID) < (right.clientID, right.anonymousID)
    }
}

/// A code as one client's event names it.
struct CodeKey: Sendable, Hashable {
    let clientID: ClientID
    let code: ReferralCode
}

/// A click as one client's event names it.
struct ClickKey: Sendable, Hashable {
    let clientID: ClientID
    let clickID: ClickID
}

/// A link as far as attribution asks.
struct KnownLink: Sendable, Hashable {
    let linkID: LinkID
    let clientID: ClientID
    let campaignID: CampaignID
    let referrerID: ParticipantID
    let code: String
    /// Whether its campaign is running: only then does a code by itself count. A click was
    /// recorded while it was.
    let isOpen: Bool
}

/// The first thing that connects a visitor or person with a link.
struct Touch: Sendable, Hashable {
    let link: KnownLink
    let clickID: ClickID?
    /// By the client's business clock.
    let touchedAt: Timestamp
    let trust: Trust
    let eventID: String
}

/// Why a touch brings its link's owner nothing.
enum TouchRefusal: String, Sendable, Hashable, CaseIterable {
    /// The link is the person's own.
    case selfReferral = "self_referral"
    /// The person brought the link's owner, directly or through others.
    case circular
}

/// Who brought whom; made once and never changed.
struct Attribution: Sendable, Hashable {
    let person: PersonKey
    let touch: Touch
    /// By the client's business clock.
    let attributedAt: Timestamp
    /// The trace of the event that made the person known.
    let traceparent: String?
}
