import Contracts
import Kernel

/// What a client says of a campaign: the body of create and update.
struct CampaignContent: Sendable, Decodable {
    let name: String
    let pulse: Pulse
    let triggers: [Trigger]?
    let startsAt: Timestamp?
    let endsAt: Timestamp?
    let eligibility: Rule?
    let rewardRules: [Reward]
    let limits: CampaignLimits?
    let budget: Amount
    let referral: Referral?
    let notifications: [CampaignNotification]?

    private enum CodingKeys: String, CodingKey {
        case name, pulse, triggers, eligibility, limits, budget, referral, notifications
        case startsAt = "starts_at"
        case endsAt = "ends_at"
        case rewardRules = "reward_rules"
    }

    struct Trigger: Sendable, Decodable {
        let event: String
        let condition: Rule?
        let minimumTrust: Trust?

        private enum CodingKeys: String, CodingKey {
            case event, condition
            case minimumTrust = "minimum_trust"
        }
    }

    struct Reward: Sendable, Decodable {
        let ruleID: String
        let recipient: RewardRecipient
        let kind: RewardKind
        let amount: Amount
        let approval: ApprovalPolicy?
        let fulfilment: FulfilmentPolicy?

        private enum CodingKeys: String, CodingKey {
            case recipient, kind, amount, approval, fulfilment
            case ruleID = "rule_id"
        }
    }

    struct Referral: Sendable, Decodable {
        let destinationURL: String?
        let allowedHosts: [String]?
        let attributionWindowSeconds: Int?

        private enum CodingKeys: String, CodingKey {
            case destinationURL = "destination_url"
            case allowedHosts = "allowed_hosts"
            case attributionWindowSeconds = "attribution_window_seconds"
        }
    }

    /// The definition with its defaults filled in; call only after `problems` found nothing.
    func definition(
        _ campaignID: CampaignID, of clientID: ClientID, revision: Int, status: CampaignStatus
    ) -> CampaignDefinition {
        CampaignDefinition(
            campaignID: campaignID, clientID: clientID, revision: revision, name: name,
            pulse: pulse, status: status, triggers: filledTriggers, startsAt: startsAt,
            endsAt: endsAt, eligibility: eligibility,
            rewardRules: rewardRules.map { reward in
                RewardRule(
                    ruleID: reward.ruleID, recipient: reward.recipient, kind: reward.kind,
                    amount: reward.amount, approval: reward.approval ?? .automatic,
                    fulfilment: reward.fulfilment ?? .automatic)
            },
            limits: limits ?? CampaignLimits(), budget: budget, referral: filledReferral,
            notifications: notifications)
    }

    /// Triggers cost money: unless the campaign says otherwise, what anyone can forge does not
    /// count.
    private var filledTriggers: [CampaignTrigger] {
        guard let triggers else {
            return pulse.defaultTriggers.map {
                CampaignTrigger(event: $0, condition: nil, minimumTrust: .signedUser)
            }
        }
        return triggers.map {
            CampaignTrigger(
                event: $0.event, condition: $0.condition,
                minimumTrust: $0.minimumTrust ?? .signedUser)
        }
    }
}

extension Pulse {
    fileprivate var defaultTriggers: [String] {
        switch self {
        case .signup: ["user_signed_up"]
        case .conversion: ["purchase_completed", "referred_made_purchase"]
        }
    }
}
