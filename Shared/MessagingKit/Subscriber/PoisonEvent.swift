package import Contracts

/// Thrown by a subscriber's `apply` for an event that can never take effect.
///
/// The event is written to `messaging_dead_letter` and passed over; the rest of its batch is
/// applied again without it, in a new transaction.
package struct PoisonEvent: Error, Sendable, Hashable {
    /// Which event of the batch.
    package let position: LogPosition
    /// Why, for the people who look; at most 500 characters are kept. No personal data.
    package let reason: String

    package init(_ event: LogEvent, reason: String) {
        position = event.position
        self.reason = reason
    }
}
