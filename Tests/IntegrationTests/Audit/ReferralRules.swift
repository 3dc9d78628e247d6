import Contracts
import FoundationEssentials
import Kernel
import PostgresKit
import SecurityKit

/// First touch wins, nobody brings themselves, an order counts once.
enum ReferralRules {
    static func all(_ acknowledged: Acknowledged) -> [AuditRule] {
        [
            AuditRule(
                "a conversion counts once", in: .referral,
                """
                select kind || ' ' || subject as finding from referral_conversion
                group by client_id, campaign_id, kind, subject having count(*) > 1
                """),
            AuditRule(
                "nobody brings themselves", in: .referral,
                """
                select conversion_id as finding from referral_conversion
                where referee_id = referrer_id
                """),
            AuditRule(
                "a conversion is by who was attributed", in: .referral,
                """
                select conversion.conversion_id as finding from referral_conversion conversion
                left join referral_attribution attribution
                    on attribution.client_id = conversion.client_id
                    and attribution.referee_id = conversion.referee_id
                where attribution.referrer_id is distinct from conversion.referrer_id
                """),
            AuditRule(
                "every acknowledged order is one conversion of who brought the buyer",
                in: .referral, conversions(Array(acknowledged.orders))),
            AuditRule(
                "every acknowledged order rewards both sides, once", in: .reward,
                rewards(Array(acknowledged.orders))),
            AuditRule(
                "every acknowledged order has one run", in: .workflow,
                runs(Array(acknowledged.orders))),
        ]
    }

    private static func conversions(_ orders: [Acknowledged.Order]) -> SQL {
        """
        select wanted.subject || ' has ' || count(conversion.conversion_id) as finding
        from unnest(
            \(orders.map(\.clientID.uuid))::uuid[], \(orders.map(\.campaignID.uuid))::uuid[],
            \(orders.map(\.order))::text[], \(orders.map(\.buyerID.uuid))::uuid[],
            \(orders.map(\.referrerID.uuid))::uuid[]
        ) as wanted (client_id, campaign_id, subject, referee_id, referrer_id)
        left join referral_conversion conversion on conversion.client_id = wanted.client_id
            and conversion.campaign_id = wanted.campaign_id and conversion.kind = 'purchase'
            and conversion.subject = wanted.subject
            and conversion.referee_id = wanted.referee_id
            and conversion.referrer_id = wanted.referrer_id
        group by wanted.client_id, wanted.campaign_id, wanted.subject
        having count(conversion.conversion_id) <> 1
        """
    }

    private static func rewards(_ orders: [Acknowledged.Order]) -> SQL {
        """
        with wanted as (
            select client_id, campaign_id, subject, buyer_id as participant_id, 'friend' as rule_id
            from unnest(
                \(orders.map(\.clientID.uuid))::uuid[], \(orders.map(\.campaignID.uuid))::uuid[],
                \(orders.map(\.order))::text[], \(orders.map(\.buyerID.uuid))::uuid[]
            ) as buyer (client_id, campaign_id, subject, buyer_id)
            union all
            select client_id, campaign_id, subject, referrer_id, 'thanks'
            from unnest(
                \(orders.map(\.clientID.uuid))::uuid[], \(orders.map(\.campaignID.uuid))::uuid[],
                \(orders.map(\.order))::text[], \(orders.map(\.referrerID.uuid))::uuid[]
            ) as referrer (client_id, campaign_id, subject, referrer_id)
        )
        select wanted.subject || ' ' || wanted.rule_id || ' has ' || count(reward.reward_id)
            as finding
        from wanted left join reward on reward.client_id = wanted.client_id
            and reward.campaign_id = wanted.campaign_id and reward.subject = wanted.subject
            and reward.rule_id = wanted.rule_id
            and reward.participant_id = wanted.participant_id and reward.status = 'fulfilled'
        group by wanted.client_id, wanted.campaign_id, wanted.subject, wanted.rule_id
        having count(reward.reward_id) <> 1
        """
    }

    private static func runs(_ orders: [Acknowledged.Order]) -> SQL {
        """
        select wanted.subject as finding
        from unnest(
            \(orders.map(\.campaignID.uuid))::uuid[], \(orders.map(\.order))::text[]
        ) as wanted (campaign_id, subject)
        left join campaign_run run on run.campaign_id = wanted.campaign_id
            and run.subject = wanted.subject
        group by wanted.campaign_id, wanted.subject having count(run.run_id) <> 1
        """
    }
}

extension Acknowledged.Order {
    var buyerID: ParticipantID { .derived(client: clientID, externalID: buyer) }
    var referrerID: ParticipantID { .derived(client: clientID, externalID: referrer) }
}
