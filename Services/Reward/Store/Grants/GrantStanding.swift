import Contracts
import Kernel
import PostgresKit

/// What became of a grant before.
enum GrantOutcome: Sendable {
    case rewarded(RewardRow)
    case refused(String)
    /// Nothing yet; its decision is stored and says this.
    case decided(eligible: Bool)
    /// Nothing yet, and there is no decision about it.
    case mismatch
}

/// How everything stands that some calls' grants depend on, read under the campaigns' locks.
struct GrantStanding: Sendable {
    /// A campaign's own numbers.
    struct Campaign: Sendable {
        var rewardsGiven: Int
        let maximumRewards: Int?
        /// The client's business time.
        let now: Timestamp
    }

    /// One participant of one campaign.
    struct Person: Sendable, Hashable {
        let campaign: CampaignKey
        let participantID: ParticipantID
    }

    var campaigns: [CampaignKey: Campaign] = [:]
    /// By the id that the grant would give its reward.
    var outcomes: [RewardID: GrantOutcome] = [:]
    var rewardsGiven: [Person: Int] = [:]
    /// What the accounts that exist could give.
    var available: [LedgerAccountName: Int128] = [:]

    /// Reads the answers to `GrantSQL.standing`.
    init(
        _ results: [[Row]], of grants: [Grant], accounts: [LedgerAccountName]
    ) throws(PostgresError) {
        for row in results[0] {
            let key = CampaignKey(
                clientID: try row.get("client_id"), campaignID: try row.get("campaign_id"))
            campaigns[key] = Campaign(
                rewardsGiven: try row.get("rewards_given"),
                maximumRewards: try row.get("maximum_rewards"),
                now: try row.get("business_time"))
        }
        for (grant, row) in zip(grants, results[1]) {
            outcomes[grant.rewardID] = try Self.outcome(row)
            rewardsGiven[grant.person] = try row.get("given_to_participant")
        }
        for row in results[2] {
            let place: Int = try row.get("place")
            available[accounts[place - 1]] = try row.get("available")
        }
    }

    private static func outcome(_ row: Row) throws(PostgresError) -> GrantOutcome {
        if try row.get("has_reward") { return .rewarded(try RewardRow(row: row)) }
        if let reason: String = try row.get("reason") { return .refused(reason) }
        if let eligible: Bool = try row.get("eligible") { return .decided(eligible: eligible) }
        return .mismatch
    }
}
