import Kernel

/// From share to purchase.
struct FunnelFigures: Sendable, Hashable, Encodable {
    var shared = 0
    var clicked = 0
    var signedUp = 0
    var converted = 0

    private enum CodingKeys: String, CodingKey {
        case shared, clicked, converted
        case signedUp = "signed_up"
    }
}

/// One hour of the funnel; hours in which nothing happened are left out.
struct HourFigures: Sendable, Hashable, Encodable {
    let hour: Timestamp
    let clicked: Int
    let signedUp: Int
    let converted: Int

    private enum CodingKeys: String, CodingKey {
        case hour, clicked, converted
        case signedUp = "signed_up"
    }
}

/// Rewards that were fulfilled.
struct RewardFigures: Sendable, Hashable, Encodable {
    var count = 0
    /// One per asset, in the order of their codes.
    var amounts: [Amount] = []
}

/// What a participant brought.
struct LeaderboardRow: Sendable, Hashable, Encodable {
    /// From 1, without a gap: ties go to who was there first, then by id.
    let rank: Int
    let participantID: ParticipantID
    /// The client's own id of the participant; nil when no event carried it.
    let externalID: String?
    let clicks: Int
    let signups: Int
    let conversions: Int

    private enum CodingKeys: String, CodingKey {
        case rank, clicks, conversions
        case participantID = "participant_id"
        case externalID = "external_id"
        case signups = "signed_up"
    }
}

/// How often a type of event happened in an hour.
struct ActivityRow: Sendable, Hashable, Encodable {
    let hour: Timestamp
    let event: String
    let count: Int
    /// Different people, as far as known; an estimate within some percent.
    let participants: Int
}
