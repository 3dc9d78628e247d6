import Contracts
import FoundationEssentials
import Kernel

/// One attempt to give one reward, with the ids of what its success would create.
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
    /// Who hands over what needs no approval; nil to leave it approved.
    let fulfiller: String?
    let rewardID: RewardID
    /// The pending transfer that holds the amount.
    let reserveTransferID: UUID

    /// Throws `RewardFailure` when the campaign has no such rule for that side.
    init(
        _ request: AllocateRewardRequest, in campaign: CampaignDefinition,
        fulfiller: String? = nil, ids: any IDGenerator
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
        self.fulfiller = rule.fulfilment == .automatic ? fulfiller : nil
        rewardID = ids.next()
        reserveTransferID = ids.next()
    }

    var campaign: CampaignKey { CampaignKey(clientID: clientID, campaignID: campaignID) }

    var person: GrantStanding.Person {
        GrantStanding.Person(campaign: campaign, participantID: participantID)
    }

    var key: GrantKey {
        GrantKey(
            clientID: clientID, campaignID: campaignID, ruleID: rule.ruleID,
            participantID: participantID, role: role, subject: subject)
    }

    /// The account that the amount comes from.
    var budget: LedgerAccountName {
        LedgerAccountName(clientID: clientID, key: posting.budget)
    }

    /// The accounts that a success may have to find: where the amount comes from and goes to.
    var accounts: [LedgerAccountName] {
        [posting.budget, posting.participantPending, posting.participantAvailable].map {
            LedgerAccountName(clientID: clientID, key: $0)
        }
    }

    /// The reservation that is open after its moves.
    var openReserve: UUID? { rule.approval == .automatic ? nil : reserveTransferID }

    var posting: RewardPosting {
        RewardPosting(
            clientID: clientID, campaignID: campaignID, participantID: participantID,
            amount: rule.amount)
    }

    /// The moves that a success makes at once, from the beginning.
    var steps: [RewardMove] {
        let run = runID.description
        var steps = [
            RewardMove(to: .earned, actor: run, reason: "allocated"),
            RewardMove(to: .pending, actor: run, reason: "reserved"),
            RewardMove(to: .eligible, actor: run, reason: "eligible"),
        ]
        guard rule.approval == .automatic else { return steps }
        steps.append(RewardMove(to: .approved, actor: run, reason: "automatic"))
        if let fulfiller {
            steps.append(RewardMove(to: .fulfilled, actor: fulfiller, reason: "automatic"))
        }
        return steps
    }

    /// The reward, as those moves leave it.
    var summary: RewardSummary { summary(steps.last?.to ?? .earned) }

    func summary(_ status: RewardStatus) -> RewardSummary {
        RewardSummary(
            rewardID: rewardID, campaignID: campaignID, ruleID: rule.ruleID,
            participantID: participantID, role: role, subject: subject, amount: rule.amount,
            status: status)
    }

    /// Who hands over a reward that this grant has already; nil when that is not to be done.
    func handOverActor(of reward: RewardRow) -> String? {
        reward.summary.status == .approved ? fulfiller : nil
    }

    /// What the ledger is to write. Handing over is a chain of its own.
    func postings(at now: Timestamp, ids: any IDGenerator) -> [LedgerPosting] {
        let (allocation, fulfilment) = (ids.next(), ids.next())
        let path = steps.map(\.to)
        return zip(path, path.dropFirst()).flatMap { from, to in
            RewardTransition.legs(from: from, to: to, reward: posting).map { leg in
                LedgerPosting(
                    clientID: clientID,
                    transferID: leg.kind == .pending ? reserveTransferID : ids.next(),
                    chainID: to == .fulfilled ? fulfilment : allocation, leg: leg,
                    rewardID: rewardID,
                    resolves: leg.kind.resolvesReservation ? reserveTransferID : nil, at: now)
            }
        }
    }
}

/// One move of a reward, as its history tells it.
struct RewardMove: Sendable {
    let to: RewardStatus
    let actor: String
    let reason: String
}

/// What is given at most once.
struct GrantKey: Sendable, Hashable {
    let clientID: ClientID
    let campaignID: CampaignID
    let ruleID: String
    let participantID: ParticipantID
    let role: RewardRecipient
    let subject: String
}
