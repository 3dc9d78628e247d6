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

    /// Asks how the campaigns of these calls stand, at the calls' revisions.
    func question(_ calls: [CheckCall]) -> SQL {
        """
        select asked.place, campaign.status, campaign.rewards_given, asked.asset,
            coalesce((
                select rewards_given from campaign_participant one
                where one.client_id = asked.client_id and one.campaign_id = asked.campaign_id
                    and one.participant_id = asked.participant_id), 0) as given_to_participant,
            coalesce((
                select credits_posted - debits_posted - debits_pending from ledger_account
                where ledger_account.client_id = asked.client_id
                    and kind = \(AccountKind.campaignBudget) and owner_id = asked.campaign_id
                    and ledger_account.asset = asked.asset), 0) as available,
            \(world.clock.now())::timestamptz + interval '1 millisecond' * coalesce((
                select business_clock_offset_milliseconds from client_settings
                where client_settings.client_id = asked.client_id), 0) as business_time
        from unnest(
            \(calls.map(\.clientID))::uuid[], \(calls.map(\.campaign.campaignID))::uuid[],
            \(calls.map(\.participantID))::uuid[],
            \(calls.map(\.campaign.budget.asset.code))::text[]
        ) with ordinality as asked (client_id, campaign_id, participant_id, asset, place)
        cross join lateral (
            select * from campaign where campaign.client_id = asked.client_id
                and campaign.campaign_id = asked.campaign_id limit 1) campaign
        """
    }

    /// Reads the answer; nil for campaigns that are not known.
    static func standings(
        _ rows: [Row], of calls: [CheckCall]
    ) throws -> [CampaignStanding?] {
        var standings = [CampaignStanding?](repeating: nil, count: calls.count)
        for row in rows {
            let place: Int = try row.get("place")
            standings[place - 1] = CampaignStanding(
                definition: calls[place - 1].campaign, status: try row.get("status"),
                budgetAvailable: try row.amount("available"),
                rewardsGiven: try row.get("rewards_given"),
                rewardsGivenToParticipant: try row.get("given_to_participant"),
                now: try row.get("business_time"))
        }
        return standings
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
