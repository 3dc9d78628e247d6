/// What a listener is told.
package enum PostgresNotification: Sendable, Hashable {
    /// `LISTEN` is in force; what was notified before was not seen.
    case listening
    /// As `listening`, after the connection was lost: read again what the channel stands for.
    case reconnected
    /// Somebody notified the channel.
    case message(payload: String)
}
