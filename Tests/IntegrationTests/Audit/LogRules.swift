import Contracts
import FoundationEssentials
import Kernel
import PostgresKit
import SecurityKit

/// A `202` event is in the log, once; positions have no gaps.
enum LogRules {
    static func all(_ acknowledged: Acknowledged) -> [AuditRule] {
        let identities = acknowledged.events.map(identity)
        return [
            AuditRule(
                "every acknowledged event is in the log once", in: .event,
                """
                select wanted.identity || ' is there ' || count(event.identity) as finding
                from unnest(\(identities)::uuid[]) as wanted (identity)
                left join event_identity event on event.identity = wanted.identity
                group by wanted.identity having count(event.identity) <> 1
                """),
            AuditRule(
                "no event is in the log twice", in: .event,
                """
                select identity as finding from event_identity
                group by identity having count(*) > 1
                """),
            AuditRule("every position up to the head is taken once", in: .event, positions),
            AuditRule("segments follow each other without a gap", in: .event, segments),
        ]
    }

    /// As event-service computes it for what clients send (author 1): a hash of the author, the
    /// client's 16 bytes and the event's id.
    private static func identity(_ event: Acknowledged.Event) -> UUID {
        var input: [UInt8] = [1]
        withUnsafeBytes(of: event.clientID.uuid.uuid) { input += $0 }
        input += event.eventID.utf8
        let digest = Digest.sha256(input)
        return UUID(
            uuid: (
                digest[0], digest[1], digest[2], digest[3], digest[4], digest[5], digest[6],
                digest[7], digest[8], digest[9], digest[10], digest[11], digest[12], digest[13],
                digest[14], digest[15]
            ))
    }

    private static let positions: SQL = """
        select 'shard ' || log.shard as finding from log_shard log
        left join event_identity event on event.shard = log.shard
        group by log.shard, log.head
        having count(event.position) <> log.head
            or count(distinct event.position) <> log.head
            or coalesce(min(event.position), 1) <> 1
            or coalesce(max(event.position), 0) <> log.head
        """

    private static let segments: SQL = """
        with segment as (
            select shard, first_position, last_position, lag(last_position, 1, 0::bigint)
                over (partition by shard order by last_position) as before
            from log_segment
        )
        select 'segment ' || shard || ':' || first_position as finding from segment
        where first_position <> before + 1
        union all
        select 'shard ' || log.shard from log_shard log
        left join log_segment segment on segment.shard = log.shard
        group by log.shard, log.head
        having coalesce(sum(segment.last_position - segment.first_position + 1), 0) <> log.head
        """
}
