import Kernel

/// When things happened by our clock, where the sender's may be wrong.
struct SenderClock: Sendable {
    /// A clock this far off counts as right: a request may well be under way as long.
    static let toleratedOffset: Duration = .seconds(30)
    /// A time this far ahead is tolerated; beyond it the time of receipt counts.
    static let toleratedLead: Duration = .seconds(24 * 3600)

    let receivedAt: Timestamp
    /// When the sender says that it sent the request, by the clock that its events were timed with.
    let sentAt: Timestamp?

    init(receivedAt: Timestamp, sentAt: Timestamp? = nil) {
        self.receivedAt = receivedAt
        self.sentAt = sentAt
    }

    /// The time that counts for what the sender says happened at `told`.
    ///
    /// A sender that tells its own time of sending told by the same wrong clock when things
    /// happened, so the difference of the two is right.
    func corrected(_ told: Timestamp) -> Timestamp {
        let time = shifted(told)
        return time > receivedAt + Self.toleratedLead ? receivedAt : time
    }

    private func shifted(_ told: Timestamp) -> Timestamp {
        guard let sentAt else { return told }
        let offset = receivedAt - sentAt
        guard offset > Self.toleratedOffset || offset < .zero - Self.toleratedOffset else {
            return told
        }
        let shifted = told + offset
        // Before 1970 lies no event, only nonsense.
        return shifted.microseconds < 0 ? told : shifted
    }
}
