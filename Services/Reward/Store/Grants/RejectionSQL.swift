import Contracts
import Kernel
import PostgresKit

/// The statements that go with the rejection of a reward by a person.
enum RejectionSQL {
    /// Locks the campaign of a reward before anything of it, in the order of whoever gives rewards.
    /// Who repeats the attempt meanwhile waits, and finds the refusal where the reward was.
    static func lockCampaign(of reward: RewardID, _ client: ClientID) -> SQL {
        """
        select from campaign where (client_id, campaign_id) = (
            select client_id, campaign_id from reward
            where client_id = \(client) and reward_id = \(reward)) for no key update
        """
    }

    /// Records the refusal: the attempt that made the reward has its outcome.
    static func refuse(_ reward: RewardRow, at now: Timestamp, id: RefusalID) -> SQL {
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

    /// A rejected reward was not given: the caps have its place again.
    static func uncount(_ reward: RewardRow) -> [SQL] {
        let (client, campaign) = (reward.clientID, reward.summary.campaignID)
        return [
            """
            update campaign set rewards_given = rewards_given - 1
            where client_id = \(client) and campaign_id = \(campaign)
            """,
            """
            update campaign_participant set rewards_given = rewards_given - 1
            where client_id = \(client) and campaign_id = \(campaign)
                and participant_id = \(reward.summary.participantID)
            """,
        ]
    }
}
