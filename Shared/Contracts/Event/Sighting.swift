package import Kernel

/// When an event counts as having shown its person, and how much of that readers of the log are
/// told: event-service and client-service keep to the same rule.
package enum Sighting {
    /// What the facet `sighting` leaves out, exclusive: a person was seen less than this after the
    /// newest, and not before the oldest, that readers were told of.
    package static let tolerance = Duration.seconds(30)

    /// When the person was seen. What anyone can forge counts when it came: a rule may ask for how
    /// long somebody has been a user, and a browser could say "since 2001".
    package static func time(
        occurredAt: Timestamp, receivedAt: Timestamp, trust: Trust
    ) -> Timestamp {
        trust >= .signedUser ? occurredAt : receivedAt
    }
}
