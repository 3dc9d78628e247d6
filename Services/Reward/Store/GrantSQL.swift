import Contracts
import Kernel
import PostgresKit

/// The statements about grants, for many grants of one client and campaign at a time.
///
/// Lookups are subqueries and laterals, not joins: one by key for each grant, however the tables
/// have grown since the statement was planned.
enum GrantSQL {
    /// Makes whoever changes one grant follow each other until the transaction ends.
    ///
    /// Equal numbers of different grants only make one wait for the other.
    static func lock(_ grants: [GrantKey]) -> SQL {
        """
        select 'lock' as counted, pg_advisory_xact_lock(number) from (
            select distinct hashtextextended(key, 0) as number
            from unnest(\(grants.map(\.text))::text[]) as key order by number) numbers
        """
    }

    /// Inserts a reward for each grant that has a fitting decision, no reward and no refusal.
    static func insert(_ grants: [Grant], at time: SQL) -> SQL {
        """
        insert into reward (
            reward_id, client_id, campaign_id, campaign_revision, rule_id, participant_id, role,
            subject, amount, asset, decision_id, run_id, reserve_transfer_id, status, status_actor,
            status_reason, status_at, created_at)
        select asked.reward_id, \(grants[0].clientID), \(grants[0].campaignID),
            \(grants[0].revision), asked.rule_id, asked.participant_id, asked.role, asked.subject,
            asked.amount, asked.asset, asked.decision_id, asked.run_id, asked.reserve_transfer_id,
            'earned', asked.actor, 'allocated', \(time), \(time)
        from \(table(grants))
        where (select decision.eligible from eligibility_decision decision
                where \(decisionFits(grants[0])))
            and (select true from reward_refusal refusal
                where \(refusalFits(grants[0]))) is null
        order by asked.rule_id, asked.participant_id, asked.role, asked.subject
        on conflict (client_id, campaign_id, rule_id, participant_id, role, subject)
            where holds_grant do nothing
        returning 'reward' as counted, reward_id, status_at
        """
    }

    /// What became of each grant, by its place: its reward, its refusal, or its decision's state.
    static func outcomes(_ grants: [Grant]) -> SQL {
        """
        select asked.place, refusal.reason, decision.eligible,
            reward.reward_id is not null as has_reward, \(RewardRow.columns)
        from \(table(grants))
        left join lateral (
            select * from reward where reward.client_id = \(grants[0].clientID)
                and reward.campaign_id = \(grants[0].campaignID) and reward.holds_grant
                and reward.rule_id = asked.rule_id
                and reward.participant_id = asked.participant_id
                and reward.role = asked.role and reward.subject = asked.subject limit 1
        ) reward on true
        left join lateral (
            select reason from reward_refusal refusal where \(refusalFits(grants[0])) limit 1
        ) refusal on true
        left join lateral (
            select eligible from eligibility_decision decision
            where \(decisionFits(grants[0])) limit 1
        ) decision on true
        order by asked.place
        """
    }

    /// Records a refusal unless the grant has a reward by now or the attempt has its refusal.
    static func refuse(_ grant: Grant, _ reason: RefusalReason, at time: SQL, id: RefusalID) -> SQL
    {
        """
        insert into reward_refusal (
            refusal_id, client_id, campaign_id, rule_id, participant_id, role, subject,
            decision_id, run_id, reason, created_at)
        select \(id), \(grant.clientID), \(grant.campaignID), \(grant.rule.ruleID),
            \(grant.participantID), \(grant.role), \(grant.subject), \(grant.decisionID),
            \(grant.runID), \(reason), \(time)
        where not exists (
            select from reward where client_id = \(grant.clientID)
                and campaign_id = \(grant.campaignID) and rule_id = \(grant.rule.ruleID)
                and participant_id = \(grant.participantID) and role = \(grant.role)
                and subject = \(grant.subject) and holds_grant)
        on conflict on constraint reward_refusal_once do nothing
        """
    }

    /// Records that a person refused a reward: the attempt that made it has its outcome.
    static func reject(_ reward: RewardRow, at now: Timestamp, id: RefusalID) -> SQL {
        let summary = reward.summary
        return """
            insert into reward_refusal (
                refusal_id, client_id, campaign_id, rule_id, participant_id, role, subject,
                decision_id, run_id, reason, created_at)
            values (
                \(id), \(reward.clientID), \(summary.campaignID), \(summary.ruleID),
                \(summary.participantID), \(summary.role), \(summary.subject),
                \(reward.decisionID), \(reward.runID as RunID?), \(RefusalReason.rejected), \(now))
            on conflict on constraint reward_refusal_once do nothing
            """
    }

    private static func table(_ grants: [Grant]) -> SQL {
        """
        unnest(
            \(grants.map(\.rewardID))::uuid[], \(grants.map(\.rule.ruleID))::text[],
            \(grants.map(\.participantID))::uuid[], \(grants.map(\.role.rawValue))::text[],
            \(grants.map(\.subject))::text[], \(grants.map(\.rule.amount.units))::numeric[],
            \(grants.map(\.rule.amount.asset.code))::text[],
            \(grants.map(\.decisionID))::uuid[], \(grants.map(\.runID))::uuid[],
            \(grants.map(\.reserveTransferID))::uuid[], \(grants.map(\.runID.description))::text[]
        ) with ordinality as asked (
            reward_id, rule_id, participant_id, role, subject, amount, asset, decision_id, run_id,
            reserve_transfer_id, actor, place)
        """
    }

    private static func decisionFits(_ grant: Grant) -> SQL {
        """
        (decision.decision_id = asked.decision_id and decision.client_id = \(grant.clientID)
            and decision.campaign_id = \(grant.campaignID)
            and decision.campaign_revision = \(grant.revision)
            and decision.participant_id = asked.participant_id
            and decision.subject = asked.subject)
        """
    }

    private static func refusalFits(_ grant: Grant) -> SQL {
        """
        (refusal.client_id = \(grant.clientID) and refusal.campaign_id = \(grant.campaignID)
            and refusal.rule_id = asked.rule_id
            and refusal.participant_id = asked.participant_id and refusal.role = asked.role
            and refusal.subject = asked.subject and refusal.decision_id = asked.decision_id)
        """
    }
}

enum RefusalTag: IDTag { static let prefix = "rfs" }

/// A recorded refusal.
typealias RefusalID = TypeID<RefusalTag>
