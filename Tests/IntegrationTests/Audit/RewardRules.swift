import Contracts
import FoundationEssentials
import Kernel
import PostgresKit
import SecurityKit

/// One success per grant key, only legal transitions, nothing promised that was not given.
enum RewardRules {
    static func all(_ acknowledged: Acknowledged) -> [AuditRule] {
        [
            AuditRule(
                "a grant succeeds once", in: .reward,
                """
                select min(reward_id::text) as finding from reward where status <> 'rejected'
                group by client_id, campaign_id, rule_id, participant_id, role, subject
                having count(*) > 1
                """),
            AuditRule("every history is legal from its beginning to its end", in: .reward, history),
            AuditRule(
                "every acknowledged sign-up has one fulfilled reward", in: .reward,
                promised(acknowledged.rewards)),
            AuditRule("rewards stay within the campaign's budget", in: .reward, budget),
        ]
    }

    private static let history: SQL = """
        with step as (
            select reward_id, sequence, from_status, to_status,
                lag(to_status) over one as before, row_number() over one as number,
                lead(to_status) over one is null as is_last
            from reward_history window one as (partition by reward_id order by sequence)
        )
        select reward.reward_id as finding from reward
        left join step on step.reward_id = reward.reward_id
        where step.reward_id is null or step.sequence <> step.number
            or step.from_status is distinct from step.before
            or (step.number = 1 and step.to_status <> 'earned')
            or (step.number > 1 and not exists (
                select from reward_transition legal
                where legal.from_status = step.from_status and legal.to_status = step.to_status))
            or (step.is_last and step.to_status <> reward.status)
        """

    /// What holds money is no more than what the newest definition allows.
    private static let budget: SQL = """
        with newest as (
            select distinct on (client_id, campaign_id) client_id, campaign_id,
                (definition -> 'budget' ->> 'units')::numeric as units
            from campaign_revision order by client_id, campaign_id, revision desc
        )
        select newest.campaign_id as finding from newest
        join reward on reward.client_id = newest.client_id
            and reward.campaign_id = newest.campaign_id
        where reward.status not in ('earned', 'rejected', 'expired', 'reversed')
        group by newest.campaign_id, newest.units having sum(reward.amount) > newest.units
        """

    private static func promised(_ rewards: Set<Acknowledged.Reward>) -> SQL {
        let rewards = Array(rewards)
        let participants = rewards.map {
            ParticipantID.derived(client: $0.clientID, externalID: $0.participant).uuid
        }
        return """
            select wanted.participant_id || ' has ' || count(reward.reward_id) as finding
            from unnest(
                \(rewards.map(\.clientID.uuid))::uuid[], \(rewards.map(\.campaignID.uuid))::uuid[],
                \(participants)::uuid[]
            ) as wanted (client_id, campaign_id, participant_id)
            left join reward on reward.client_id = wanted.client_id
                and reward.campaign_id = wanted.campaign_id
                and reward.participant_id = wanted.participant_id and reward.status = 'fulfilled'
            group by wanted.client_id, wanted.campaign_id, wanted.participant_id
            having count(reward.reward_id) <> 1
            """
    }
}
