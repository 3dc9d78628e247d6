import Contracts
import FoundationEssentials
import Kernel
import PostgresKit
import SecurityKit

/// Mail and webhooks: each asked for once, and the outside saw no more than what is counted.
enum NotificationRules {
    static func all(_ acknowledged: Acknowledged) -> [AuditRule] {
        let rewards = Array(acknowledged.rewards)
        let participants = rewards.map {
            ParticipantID.derived(client: $0.clientID, externalID: $0.participant).uuid
        }
        return [
            AuditRule(
                "every mail that was asked for was sent", in: .notification,
                """
                select notification_id || ' ' || status || ' ' || coalesce(reason, '') as finding
                from notification where status <> 'sent'
                """),
            AuditRule(
                "every acknowledged sign-up got one welcome mail", in: .notification,
                """
                select wanted.participant_id || ' got ' || count(notification.notification_id)
                    as finding
                from unnest(
                    \(rewards.map(\.clientID.uuid))::uuid[],
                    \(rewards.map(\.campaignID.uuid))::uuid[], \(participants)::uuid[]
                ) as wanted (client_id, campaign_id, participant_id)
                left join notification on notification.client_id = wanted.client_id
                    and notification.campaign_id = wanted.campaign_id
                    and notification.participant_id = wanted.participant_id
                    and notification.template_key = 'welcome'
                group by wanted.client_id, wanted.campaign_id, wanted.participant_id
                having count(notification.notification_id) <> 1
                """),
            AuditRule(
                "every acknowledged order wrote to both sides, once", in: .notification,
                orders(Array(acknowledged.orders))),
            AuditRule(
                "every webhook that was due was delivered", in: .notification,
                """
                select delivery_id || ' ' || status || ' ' || coalesce(last_code, '') as finding
                from webhook_delivery where status <> 'delivered'
                """),
        ]
    }

    /// A referrer of several orders gets a mail for each.
    private static func orders(_ orders: [Acknowledged.Order]) -> SQL {
        """
        with wanted as (
            select client_id, campaign_id, participant_id, count(*) as orders
            from unnest(
                \(orders.map(\.clientID.uuid) + orders.map(\.clientID.uuid))::uuid[],
                \(orders.map(\.campaignID.uuid) + orders.map(\.campaignID.uuid))::uuid[],
                \(orders.map(\.buyerID.uuid) + orders.map(\.referrerID.uuid))::uuid[]
            ) as side (client_id, campaign_id, participant_id)
            group by client_id, campaign_id, participant_id
        )
        select wanted.participant_id || ' got ' || count(notification.notification_id) as finding
        from wanted left join notification on notification.client_id = wanted.client_id
            and notification.campaign_id = wanted.campaign_id
            and notification.participant_id = wanted.participant_id
        group by wanted.client_id, wanted.campaign_id, wanted.participant_id, wanted.orders
        having count(notification.notification_id) <> wanted.orders
        """
    }

    /// What the mail server accepted, against what notification-service knows: each mail once, and
    /// once more at most for each attempt whose outcome nobody learned.
    static func findings(_ deployment: Deployment) async throws -> [String] {
        var accepted: [NotificationID: Int] = [:]
        var found: [String] = []
        for mail in try deployment.stores.mailSink.mails() {
            if let id = mail.notificationID {
                accepted[id, default: 0] += 1
            } else {
                found.append("a mail without an id of ours: \(mail.text.prefix(200))")
            }
        }
        let rows = try await deployment.databases[.notification].query(
            "select notification_id, unknown_attempts from notification where status = 'sent'")
        for row in rows {
            let uuid: UUID = try row.get("notification_id")
            let id = NotificationID(uuid)
            let unknown: Int32 = try row.get("unknown_attempts")
            let count = accepted.removeValue(forKey: id) ?? 0
            if !(1...(1 + Int(unknown))).contains(count) {
                found.append("\(id) arrived \(count) times, \(unknown) attempts are unknown")
            }
        }
        return found + accepted.keys.map { "\($0) arrived and is not sent" }
    }
}
