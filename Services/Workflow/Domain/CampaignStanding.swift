import Contracts

/// What a campaign's status means for runs that are under way.
enum CampaignStanding: Sendable, Hashable {
    case running
    /// Runs wait before their next effect.
    case held
    /// Nothing new is begun; what was earned is settled.
    case over

    /// A campaign that nothing was told of holds nobody up.
    init(_ status: CampaignStatus?) {
        self =
            switch status {
            case .active, nil: .running
            case .paused, .draft, .inReview: .held
            case .completed, .expired, .closed: .over
            }
    }
}
