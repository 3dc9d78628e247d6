import Contracts
import Kernel

/// Decides calls one after the other, each knowing what those before it took, and gathers all that
/// must be written for them.
///
/// Decides nothing twice: within a plan, too, a grant has one reward and an attempt one outcome.
struct GrantPlan: Sendable {
    /// A reward that comes to be.
    struct Giving: Sendable {
        let grant: Grant
        let at: Timestamp
    }

    /// A reward from before that was left approved and is handed over now.
    struct HandOver: Sendable {
        let reward: RewardRow
        let actor: String
        let at: Timestamp
    }

    /// An attempt that gives nothing.
    struct Refusal: Sendable {
        let grant: Grant
        let reason: RefusalReason
        let at: Timestamp
    }

    private struct Attempt: Hashable {
        let key: GrantKey
        let decisionID: DecisionID
    }

    private(set) var givings: [Giving] = []
    private(set) var handOvers: [HandOver] = []
    private(set) var refusals: [Refusal] = []
    /// All transfers, those of one reward in the order of its moves.
    private(set) var postings: [LedgerPosting] = []
    private var standing: GrantStanding
    private let ids: any IDGenerator
    private var rewards: [GrantKey: RewardSummary] = [:]
    private var refused: [Attempt: String] = [:]

    init(_ standing: GrantStanding, ids: any IDGenerator) {
        self.standing = standing
        self.ids = ids
    }

    var isEmpty: Bool { givings.isEmpty && handOvers.isEmpty && refusals.isEmpty }

    /// The accounts that the transfers need and that are not there.
    var accountsToOpen: Set<LedgerAccountName> {
        LedgerWriting.accountsToOpen(postings).filter { standing.available[$0] == nil }
    }

    /// One answer for each of the call's grants. Throws, and plans nothing of the call, when a
    /// grant rests on no decision about it.
    mutating func decide(_ call: GrantCall) throws(RewardFailure) -> [AllocateRewardResponse] {
        guard let campaign = standing.campaigns[call.campaign] else {
            throw .campaignUnknown(call.campaign.campaignID)
        }
        for grant in call.grants {
            if case .mismatch = standing.outcomes[grant.rewardID] ?? .mismatch {
                throw .decisionMismatch
            }
        }
        return call.grants.map { decide($0, call.limits, at: campaign.now) }
    }

    private mutating func decide(
        _ grant: Grant, _ limits: CampaignLimits, at now: Timestamp
    ) -> AllocateRewardResponse {
        let attempt = Attempt(key: grant.key, decisionID: grant.decisionID)
        if let reward = rewards[grant.key] { return .existing(reward) }
        if let reason = refused[attempt] { return .refused(reason) }
        switch standing.outcomes[grant.rewardID] {
        case .rewarded(let reward): return .existing(existing(reward, for: grant, at: now))
        case .refused(let reason): return .refused(reason)
        case .decided(eligible: true): break
        case .decided, .mismatch, nil: return refuse(grant, .notEligible, at: now)
        }
        if let reason = obstacle(to: grant, limits) { return refuse(grant, reason, at: now) }
        give(grant, at: now)
        return AllocateRewardResponse(outcome: .allocated, reward: grant.summary, reason: nil)
    }

    private func obstacle(to grant: Grant, _ limits: CampaignLimits) -> RefusalReason? {
        guard standing.available[grant.budget, default: 0] >= grant.rule.amount.units else {
            return .budgetExceeded
        }
        let campaign = standing.campaigns[grant.campaign]
        let given = standing.rewardsGiven[grant.person, default: 0]
        guard campaign?.rewardsGiven ?? 0 < campaign?.maximumRewards ?? .max,
            given < limits.maximumRewardsPerParticipant ?? .max
        else { return .limitReached }
        return nil
    }

    private mutating func give(_ grant: Grant, at now: Timestamp) {
        standing.available[grant.budget, default: 0] -= grant.rule.amount.units
        standing.campaigns[grant.campaign]?.rewardsGiven += 1
        standing.rewardsGiven[grant.person, default: 0] += 1
        rewards[grant.key] = grant.summary
        givings.append(Giving(grant: grant, at: now))
        postings += grant.postings(at: now, ids: ids)
    }

    private mutating func refuse(
        _ grant: Grant, _ reason: RefusalReason, at now: Timestamp
    ) -> AllocateRewardResponse {
        refused[Attempt(key: grant.key, decisionID: grant.decisionID)] = reason.rawValue
        refusals.append(Refusal(grant: grant, reason: reason, at: now))
        return .refused(reason.rawValue)
    }

    /// A reward from before, handed over when that is all that it lacks.
    private mutating func existing(
        _ reward: RewardRow, for grant: Grant, at now: Timestamp
    ) -> RewardSummary {
        guard let actor = grant.handOverActor(of: reward) else { return reward.summary }
        let moved = reward.summary(.fulfilled)
        rewards[grant.key] = moved
        handOvers.append(HandOver(reward: reward, actor: actor, at: now))
        let legs = RewardTransition.legs(from: .approved, to: .fulfilled, reward: reward.posting)
        let chain = ids.next()
        postings += legs.map { leg in
            LedgerPosting(
                clientID: reward.clientID, transferID: ids.next(), chainID: chain, leg: leg,
                rewardID: reward.summary.rewardID, resolves: nil, at: now)
        }
        return moved
    }
}

extension AllocateRewardResponse {
    fileprivate static func existing(_ reward: RewardSummary) -> Self {
        Self(outcome: .existing, reward: reward, reason: nil)
    }

    fileprivate static func refused(_ reason: String) -> Self {
        Self(outcome: .refused, reward: nil, reason: reason)
    }
}
