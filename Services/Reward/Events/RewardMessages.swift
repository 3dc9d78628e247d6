import Contracts
import Kernel

/// Writes the messages that tell of rewards.
struct RewardMessages: Sendable {
    let ids: any IDGenerator

    /// What tells of a reward's arrival in a status; nil for the steps on the way to being offered.
    static func type(of status: RewardStatus) -> String? {
        switch status {
        case .earned, .pending: nil
        case .eligible: RewardMessage.allocated
        case .approved: RewardMessage.approved
        case .fulfilled: RewardMessage.fulfilled
        case .redeemed: RewardMessage.redeemed
        case .rejected: RewardMessage.rejected
        case .expired: RewardMessage.expired
        case .failed: RewardMessage.failed
        case .reversed: RewardMessage.reversed
        }
    }

    /// The message of one arrival; written with the change, so that its id may be new each time.
    func message(
        _ reward: RewardSummary, of client: ClientID, at time: Timestamp
    ) -> LogMessage? {
        guard let type = Self.type(of: reward.status) else { return nil }
        return LogMessage(
            id: ids.next(EventID.self).description, type: type, clientID: client,
            campaignID: reward.campaignID, subject: reward.rewardID.description, occurredAt: time,
            data: Self.data(reward))
    }

    /// The summary as a value, member by member: allocations are too many for a round trip
    /// through text.
    private static func data(_ reward: RewardSummary) -> JSONValue {
        [
            "reward_id": .string(reward.rewardID.description),
            "campaign_id": .string(reward.campaignID.description),
            "rule_id": .string(reward.ruleID),
            "participant_id": .string(reward.participantID.description),
            "role": .string(reward.role.rawValue),
            "subject": .string(reward.subject),
            "amount": [
                "units": .string(String(reward.amount.units)),
                "asset": .string(reward.amount.asset.code),
            ],
            "status": .string(reward.status.rawValue),
        ]
    }
}
