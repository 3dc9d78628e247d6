import Contracts
import Kernel
import PostgresKit

/// What happened takes effect everywhere, and nothing was passed over.
enum DeliveryRules {
    /// The services that publish or subscribe over an outbox and cursors of their own.
    static let senders = ServiceName.allCases.filter { $0 != .event }

    static let all =
        senders.flatMap { service in
            [
                AuditRule(
                    "no message is a dead letter", in: service,
                    """
                    select direction || ' ' || message_id || ': ' || reason as finding
                    from messaging_dead_letter
                    """),
                AuditRule(
                    "the outbox is empty", in: service,
                    "select message_id as finding from messaging_outbox"),
            ]
        } + [
            AuditRule(
                "subscribers have told the log how far they are", in: .event,
                """
                select subscriber || ' ' || shard || ':' || acknowledged as finding
                from log_subscriber
                where acknowledged > (
                    select head from log_shard where log_shard.shard = log_subscriber.shard)
                """)
        ]
}
