import Contracts
import Kernel
import PostgresKit

/// The statements about grants, for grants of many clients and campaigns at a time.
///
/// Lookups are subqueries and laterals, not joins: one by key for each grant, however the tables
/// have grown since the statement was planned.
enum GrantSQL {
    /// Locks the campaigns, in the order given, until the transaction ends; then whoever changes
    /// their rewards waits. Also says how the rest of the transaction is to be planned.
    static func lock(_ campaigns: [CampaignKey], at now: Timestamp) -> SQL {
        """
        select campaign.client_id, campaign.campaign_id, campaign.rewards_given,
            campaign.maximum_rewards,
            \(now)::timestamptz + interval '1 millisecond' * coalesce((
                select business_clock_offset_milliseconds from client_settings
                where client_settings.client_id = asked.client_id), 0) as business_time,
            \(LedgerWriting.byKeySettings)
        from unnest(
            \(campaigns.map(\.clientID))::uuid[], \(campaigns.map(\.campaignID))::uuid[]
        ) as asked (client_id, campaign_id)
        cross join lateral (
            select * from campaign where campaign.client_id = asked.client_id
                and campaign.campaign_id = asked.campaign_id for no key update) campaign
        """
    }

    /// What became of each grant, by its place: its reward, its refusal, or its decision's state;
    /// and how many rewards its participant has had.
    static func outcomes(_ grants: [Grant]) -> SQL {
        """
        select refusal.reason, decision.eligible, reward.reward_id is not null as has_reward,
            \(RewardRow.columns), coalesce((
                select rewards_given from campaign_participant one
                where one.client_id = asked.client_id and one.campaign_id = asked.campaign_id
                    and one.participant_id = asked.participant_id), 0) as given_to_participant
        from unnest(
            \(grants.map(\.clientID))::uuid[], \(grants.map(\.campaignID))::uuid[],
            \(grants.map { Int32(clamping: $0.revision) })::integer[],
            \(grants.map(\.rule.ruleID))::text[], \(grants.map(\.participantID))::uuid[],
            \(grants.map(\.role.rawValue))::text[], \(grants.map(\.subject))::text[],
            \(grants.map(\.decisionID))::uuid[]
        ) with ordinality as asked (
            client_id, campaign_id, revision, rule_id, participant_id, role, subject, decision_id,
            place)
        left join lateral (
            select * from reward where reward.client_id = asked.client_id
                and reward.campaign_id = asked.campaign_id and reward.holds_grant
                and reward.rule_id = asked.rule_id
                and reward.participant_id = asked.participant_id
                and reward.role = asked.role and reward.subject = asked.subject limit 1
        ) reward on true
        left join lateral (
            select reason from reward_refusal refusal where refusal.client_id = asked.client_id
                and refusal.campaign_id = asked.campaign_id and refusal.rule_id = asked.rule_id
                and refusal.participant_id = asked.participant_id and refusal.role = asked.role
                and refusal.subject = asked.subject and refusal.decision_id = asked.decision_id
            limit 1
        ) refusal on true
        left join lateral (
            select eligible from eligibility_decision decision
            where decision.decision_id = asked.decision_id
                and decision.client_id = asked.client_id
                and decision.campaign_id = asked.campaign_id
                and decision.campaign_revision = asked.revision
                and decision.participant_id = asked.participant_id
                and decision.subject = asked.subject limit 1
        ) decision on true
        order by asked.place
        """
    }

    /// The statuses of rewards, which keep them until the transaction ends.
    static func lock(_ rewards: [RewardID]) -> SQL {
        """
        select \(RewardRow.columns) from reward where reward_id = any(\(rewards))
        order by reward_id for no key update
        """
    }

    /// Inserts rewards where their moves leave them, each with its history.
    static func insert(_ givings: [GrantPlan.Giving]) -> SQL {
        let grants = givings.map(\.grant)
        let ends = grants.map { $0.steps.last ?? $0.steps[0] }
        let lines = givings.flatMap(HistoryLine.lines)
        return """
            with given as (
                insert into reward (
                    reward_id, client_id, campaign_id, campaign_revision, rule_id, participant_id,
                    role, subject, amount, asset, decision_id, run_id, reserve_transfer_id, status,
                    status_actor, status_reason, status_at, created_at)
                select new.*, new.status_at from unnest(
                    \(grants.map(\.rewardID))::uuid[], \(grants.map(\.clientID))::uuid[],
                    \(grants.map(\.campaignID))::uuid[],
                    \(grants.map { Int32(clamping: $0.revision) })::integer[],
                    \(grants.map(\.rule.ruleID))::text[], \(grants.map(\.participantID))::uuid[],
                    \(grants.map(\.role.rawValue))::text[], \(grants.map(\.subject))::text[],
                    \(grants.map(\.rule.amount.units))::numeric[],
                    \(grants.map(\.rule.amount.asset.code))::text[],
                    \(grants.map(\.decisionID))::uuid[], \(grants.map(\.runID))::uuid[],
                    \(grants.map(\.openReserve))::uuid[], \(ends.map(\.to.rawValue))::text[],
                    \(ends.map(\.actor))::text[], \(ends.map(\.reason))::text[],
                    \(givings.map(\.at))::timestamptz[]
                ) as new (
                    reward_id, client_id, campaign_id, campaign_revision, rule_id, participant_id,
                    role, subject, amount, asset, decision_id, run_id, reserve_transfer_id, status,
                    status_actor, status_reason, status_at)
            )
            insert into reward_history (
                reward_id, sequence, client_id, from_status, to_status, actor, reason, at)
            select * from unnest(
                \(lines.map(\.rewardID))::uuid[], \(lines.map(\.sequence))::integer[],
                \(lines.map(\.clientID))::uuid[], \(lines.map { $0.from?.rawValue })::text[],
                \(lines.map(\.move.to.rawValue))::text[], \(lines.map(\.move.actor))::text[],
                \(lines.map(\.move.reason))::text[], \(lines.map(\.at))::timestamptz[])
            """
    }

    /// Moves rewards that are approved, and locked, to fulfilled.
    static func fulfil(_ handOvers: [GrantPlan.HandOver]) -> SQL {
        """
        update reward set status = 'fulfilled', status_actor = moved.actor,
            status_reason = 'automatic', status_at = moved.at
        from unnest(
            \(handOvers.map(\.reward.summary.rewardID))::uuid[],
            \(handOvers.map(\.actor))::text[], \(handOvers.map(\.at))::timestamptz[]
        ) as moved (reward_id, actor, at)
        where reward.reward_id = moved.reward_id
        """
    }

    /// Counts rewards towards the caps of their campaigns, which are locked, and participants.
    static func count(_ givings: [GrantPlan.Giving]) -> SQL {
        var ofCampaigns: [CampaignKey: Int32] = [:]
        var ofPeople: [GrantStanding.Person: Int32] = [:]
        for giving in givings {
            ofCampaigns[giving.grant.campaign, default: 0] += 1
            ofPeople[giving.grant.person, default: 0] += 1
        }
        let (campaigns, people) = (ofCampaigns.map(\.key), ofPeople.map(\.key))
        return """
            with counted as (
                update campaign set rewards_given = campaign.rewards_given + given.number
                from unnest(
                    \(campaigns.map(\.clientID))::uuid[], \(campaigns.map(\.campaignID))::uuid[],
                    \(ofCampaigns.map(\.value))::integer[]
                ) as given (client_id, campaign_id, number)
                where campaign.client_id = given.client_id
                    and campaign.campaign_id = given.campaign_id
            )
            insert into campaign_participant (
                client_id, campaign_id, participant_id, rewards_given)
            select * from unnest(
                \(people.map(\.campaign.clientID))::uuid[],
                \(people.map(\.campaign.campaignID))::uuid[],
                \(people.map(\.participantID))::uuid[], \(ofPeople.map(\.value))::integer[])
            on conflict (client_id, campaign_id, participant_id) do update
            set rewards_given = campaign_participant.rewards_given + excluded.rewards_given
            """
    }

    /// Records attempts that give nothing.
    static func refuse(_ refusals: [GrantPlan.Refusal], ids: any IDGenerator) -> SQL {
        let grants = refusals.map(\.grant)
        return """
            insert into reward_refusal (
                refusal_id, client_id, campaign_id, rule_id, participant_id, role, subject,
                decision_id, run_id, reason, created_at)
            select * from unnest(
                \(grants.map { _ in ids.next(RefusalID.self) })::uuid[],
                \(grants.map(\.clientID))::uuid[], \(grants.map(\.campaignID))::uuid[],
                \(grants.map(\.rule.ruleID))::text[], \(grants.map(\.participantID))::uuid[],
                \(grants.map(\.role.rawValue))::text[], \(grants.map(\.subject))::text[],
                \(grants.map(\.decisionID))::uuid[], \(grants.map(\.runID))::uuid[],
                \(refusals.map(\.reason.rawValue))::text[],
                \(refusals.map(\.at))::timestamptz[])
            on conflict on constraint reward_refusal_once do nothing
            """
    }
}

/// A line of a reward's history.
private struct HistoryLine {
    let rewardID: RewardID
    let clientID: ClientID
    let sequence: Int32
    let from: RewardStatus?
    let move: RewardMove
    let at: Timestamp

    /// One for each move of a reward that comes to be.
    static func lines(_ giving: GrantPlan.Giving) -> [HistoryLine] {
        let steps = giving.grant.steps
        return steps.indices.map { index in
            HistoryLine(
                rewardID: giving.grant.rewardID, clientID: giving.grant.clientID,
                sequence: Int32(index + 1), from: index == 0 ? nil : steps[index - 1].to,
                move: steps[index], at: giving.at)
        }
    }
}

enum RefusalTag: IDTag { static let prefix = "rfs" }

/// A recorded refusal.
typealias RefusalID = TypeID<RefusalTag>
