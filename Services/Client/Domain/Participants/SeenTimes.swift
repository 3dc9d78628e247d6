import Contracts
import Kernel

/// When somebody was seen: the least and the greatest of what was told, so that the order of events
/// makes no difference. Pure.
struct SeenTimes: Sendable, Hashable {
    static let signUpEvent = "user_signed_up"
    /// How far what is stored may stand behind the newest sighting, exclusive: `last_seen_at` is
    /// kept to the minute, so that somebody who is busy does not cost a write for each.
    static let tolerance = Duration.seconds(60)

    private(set) var firstSeenAt: Timestamp
    private(set) var lastSeenAt: Timestamp
    private(set) var signedUpAt: Timestamp?

    init(firstSeenAt: Timestamp, lastSeenAt: Timestamp, signedUpAt: Timestamp?) {
        self.firstSeenAt = firstSeenAt
        self.lastSeenAt = lastSeenAt
        self.signedUpAt = signedUpAt
    }

    /// What one event tells.
    init(of event: LogEvent) {
        let seenAt = Sighting.time(
            occurredAt: event.occurredAt, receivedAt: event.receivedAt, trust: event.trust)
        self.init(
            firstSeenAt: seenAt, lastSeenAt: seenAt,
            signedUpAt: event.type == Self.signUpEvent ? seenAt : nil)
    }

    mutating func merge(_ other: Self) {
        firstSeenAt = min(firstSeenAt, other.firstSeenAt)
        lastSeenAt = max(lastSeenAt, other.lastSeenAt)
        guard let signedUp = other.signedUpAt else { return }
        signedUpAt = min(signedUpAt ?? signedUp, signedUp)
    }

    /// Whether these have to replace what is stored. If not, the stored `lastSeenAt` is less than
    /// `tolerance` behind, and the others are the same.
    func mustReplace(_ stored: Self) -> Bool {
        firstSeenAt != stored.firstSeenAt || signedUpAt != stored.signedUpAt
            || lastSeenAt - stored.lastSeenAt >= Self.tolerance
    }
}
