import Contracts
import FoundationEssentials
import Kernel

extension RewardTransition {
    /// How many legs each legal move writes, for proving that a reward has all of its legs.
    static let legCounts: [(from: RewardStatus, to: RewardStatus, legs: Int)] = {
        guard let asset = Asset("PT") else { return [] }
        let nobody = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
        let posting = RewardPosting(
            clientID: ClientID(nobody), campaignID: CampaignID(nobody),
            participantID: ParticipantID(nobody), amount: .zero(asset))
        return table.flatMap { from, targets in
            targets.map { to in (from, to, legs(from: from, to: to, reward: posting).count) }
        }
    }()
}
