import Contracts
import FoundationEssentials
import Kernel

/// One attempt to give one reward, with the ids of everything that its success would create.
///
/// The ids are drawn before the attempt: what carries them afterwards is this attempt's work, and
/// nothing else can be.
struct Grant: Sendable {
    let clientID: ClientID
    let campaignID: CampaignID
    let revision: Int
    let rule: RewardRule
    let participantID: ParticipantID
    let role: RewardRecipient
    let subject: String
    let decisionID: DecisionID
    let runID: RunID
    let rewardID: RewardID
    /// The pending transfer that holds the amount.
    let reserveTransferID: UUID

    /// Throws `RewardFailure` when the campaign has no such rule for that side.
    init(
        _ request: AllocateRewardRequest, in campaign: CampaignDefinition, ids: any IDGenerator
    ) throws(RewardFailure) {
        let rule = campaign.rewardRules.first {
            $0.ruleID == request.ruleID && $0.recipient == request.role
        }
        guard let rule else { throw .ruleUnknown(request.ruleID) }
        guard let decisionID = DecisionID(request.decisionID) else { throw .decisionMismatch }
        clientID = request.clientID
        campaignID = request.campaignID
        revision = request.revision
        self.rule = rule
        participantID = request.participantID
        role = request.role
        subject = request.subject
        self.decisionID = decisionID
        runID = request.runID
        rewardID = ids.next()
        reserveTransferID = ids.next()
    }

    var key: GrantKey {
        GrantKey(
            clientID: clientID, campaignID: campaignID, ruleID: rule.ruleID,
            participantID: participantID, role: role, subject: subject)
    }

    var posting: RewardPosting {
        RewardPosting(
            clientID: clientID, campaignID: campaignID, participantID: participantID,
            amount: rule.amount)
    }

    /// The way that an allocation goes at once.
    var path: [RewardStatus] {
        rule.approval == .automatic
            ? [.earned, .pending, .eligible, .approved] : [.earned, .pending, .eligible]
    }

    /// All legs of that way, in order.
    var legs: [LedgerLeg] {
        zip(path, path.dropFirst()).flatMap {
            RewardTransition.legs(from: $0, to: $1, reward: posting)
        }
    }

    func summary(_ status: RewardStatus) -> RewardSummary {
        RewardSummary(
            rewardID: rewardID, campaignID: campaignID, ruleID: rule.ruleID,
            participantID: participantID, role: role, subject: subject, amount: rule.amount,
            status: status)
    }
}

/// What is given at most once.
struct GrantKey: Sendable, Hashable {
    let clientID: ClientID
    let campaignID: CampaignID
    let ruleID: String
    let participantID: ParticipantID
    let role: RewardRecipient
    let subject: String

    /// One text per key: only the last part may hold a space.
    var text: String {
        "\(clientID.uuid) \(campaignID.uuid) \(ruleID) \(participantID.uuid) \(role.rawValue) "
            + subject
    }
}
