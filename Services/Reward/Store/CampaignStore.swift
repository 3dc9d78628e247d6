import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit

/// What is known of a campaign and a participant of it when a decision is made.
struct CampaignStanding: Sendable {
    let definition: CampaignDefinition
    /// The status in force now.
    let status: CampaignStatus
    let budgetAvailable: Amount
    let rewardsGiven: Int
    let rewardsGivenToParticipant: Int
    /// The client's business time.
    let now: Timestamp
}

/// What reward-service has been told of clients and campaigns.
struct CampaignStore: Sendable {
    let postgres: PostgresClient
    let world: World

    /// A revision; nil when the client has no such campaign or nothing told of the revision.
    func definition(
        _ campaign: CampaignID, revision: Int, of client: ClientID
    ) async throws -> CampaignDefinition? {
        let row = try await postgres.queryOne(
            """
            select definition from campaign_revision
            where client_id = \(client) and campaign_id = \(campaign) and revision = \(revision)
            """)
        return try row.map(Self.definition)
    }

    /// How a campaign stands at a revision, or at the one in force when none is named.
    ///
    /// Nil when the client has no such campaign or nothing told of the revision.
    func standing(
        _ campaign: CampaignID, revision: Int?, participant: ParticipantID, of client: ClientID
    ) async throws -> CampaignStanding? {
        let row = try await postgres.queryOne(
            """
            select campaign.status, campaign.rewards_given, told.definition,
                coalesce(one.rewards_given, 0) as given_to_participant,
                coalesce(budget.credits_posted - budget.debits_posted - budget.debits_pending, 0)
                    as available,
                told.definition -> 'budget' ->> 'asset' as asset,
                \(BusinessTime.of(client, at: world.clock.now())) as business_time
            from campaign
            join campaign_revision told on told.client_id = campaign.client_id
                and told.campaign_id = campaign.campaign_id
                and told.revision = coalesce(\(revision as Int?)::bigint, campaign.revision)
            left join campaign_participant one on one.client_id = campaign.client_id
                and one.campaign_id = campaign.campaign_id
                and one.participant_id = \(participant)
            left join ledger_account budget on budget.client_id = campaign.client_id
                and budget.kind = \(AccountKind.campaignBudget)
                and budget.owner_id = campaign.campaign_id
                and budget.asset = told.definition -> 'budget' ->> 'asset'
            where campaign.client_id = \(client) and campaign.campaign_id = \(campaign)
            """)
        guard let row else { return nil }
        return CampaignStanding(
            definition: try Self.definition(row), status: try row.get("status"),
            budgetAvailable: try row.amount("available"),
            rewardsGiven: try row.get("rewards_given"),
            rewardsGivenToParticipant: try row.get("given_to_participant"),
            now: try row.get("business_time"))
    }

    // MARK: - What messages tell

    /// Remembers how far the client's business clock is ahead.
    func take(_ change: ClientChange, of client: ClientID, in transaction: Transaction) async throws
    {
        try await transaction.execute(
            """
            insert into client_settings (client_id, business_clock_offset_milliseconds)
            values (\(client), \(max(0, change.businessClockOffsetMilliseconds)))
            on conflict (client_id) do update set business_clock_offset_milliseconds =
                excluded.business_clock_offset_milliseconds
            """)
    }

    /// Keeps the revision; puts it in force unless something later is. Returns whether it did.
    ///
    /// Locks the campaign's row until the transaction ends.
    func take(
        _ campaign: CampaignDefinition, changedAt: Timestamp, in transaction: Transaction
    ) async throws -> Bool {
        let limit = campaign.limits.maximumRewards.map { Int32(clamping: $0) }
        let results = try await transaction.pipeline([
            """
            insert into campaign_revision (client_id, campaign_id, revision, definition)
            values (\(campaign.clientID), \(campaign.campaignID), \(campaign.revision),
                \(JSONB(try JSONCoding.encode(campaign))))
            on conflict (client_id, campaign_id, revision) do nothing
            """,
            """
            insert into campaign (
                client_id, campaign_id, revision, status, changed_at, maximum_rewards)
            values (\(campaign.clientID), \(campaign.campaignID), \(campaign.revision),
                \(campaign.status), \(changedAt), \(limit as Int32?))
            on conflict (client_id, campaign_id) do update
            set revision = excluded.revision, status = excluded.status,
                changed_at = excluded.changed_at, maximum_rewards = excluded.maximum_rewards
            where (campaign.revision, campaign.changed_at)
                <= (excluded.revision, excluded.changed_at)
            returning revision
            """,
        ])
        return !results[1].isEmpty
    }

    private static func definition(_ row: Row) throws -> CampaignDefinition {
        let stored: JSONB = try row.get("definition")
        return try JSONCoding.decode(from: stored.bytes, strictness: .lenient)
    }
}
