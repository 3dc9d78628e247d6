import Contracts
import FoundationEssentials
import Kernel
import PostgresKit
import SecurityKit

/// One run per campaign and subject, each ended well; participants known.
enum RunRules {
    static func all(_ acknowledged: Acknowledged) -> [AuditRule] {
        let rewards = Array(acknowledged.rewards)
        let participants = rewards.map {
            ParticipantID.derived(client: $0.clientID, externalID: $0.participant).uuid
        }
        return [
            AuditRule(
                "a campaign has one run per subject", in: .workflow,
                """
                select campaign_id || ' ' || subject as finding from campaign_run
                group by client_id, campaign_id, subject having count(*) > 1
                """),
            AuditRule(
                "every run ended as completed", in: .workflow,
                """
                select run.run_id || ' ' || coalesce(outcome.state, 'unfinished') || ' '
                    || coalesce(outcome.failure_code, '') as finding
                from durable_run run left join durable_outcome outcome
                    on outcome.run_id = run.run_id
                where outcome.state is distinct from 'completed'
                """),
            AuditRule(
                "what members see of a run is how it ended", in: .workflow,
                """
                select run.run_id as finding from durable_run run
                full join campaign_run seen on seen.run_id = run.run_id
                where seen.status is distinct from 'completed' or run.run_id is null
                """),
            AuditRule(
                "every acknowledged sign-up has its run", in: .workflow,
                """
                select wanted.participant_id as finding
                from unnest(
                    \(rewards.map(\.campaignID.uuid))::uuid[], \(participants)::uuid[]
                ) as wanted (campaign_id, participant_id)
                left join campaign_run run on run.campaign_id = wanted.campaign_id
                    and run.participant_id = wanted.participant_id
                group by wanted.campaign_id, wanted.participant_id having count(run.run_id) <> 1
                """),
            AuditRule(
                "every acknowledged participant has a profile", in: .client,
                """
                select wanted.participant_id as finding
                from unnest(\(participants)::uuid[]) as wanted (participant_id)
                left join participant on participant.participant_id = wanted.participant_id
                where participant.signed_up_at is null
                """),
        ]
    }
}
