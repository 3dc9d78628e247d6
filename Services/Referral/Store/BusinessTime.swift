import Kernel
import PostgresKit

/// The client's business time as part of a statement, so that no statement is spent on asking.
enum BusinessTime {
    /// An expression: the system time, moved forward by the client's offset.
    static func of(_ client: ClientID, at now: Timestamp) -> SQL {
        """
        (\(now)::timestamptz + interval '1 millisecond' * coalesce((
            select business_clock_offset_milliseconds from client_settings
            where client_id = \(client)), 0))
        """
    }
}
