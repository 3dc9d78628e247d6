import Kernel

/// Which of the clients' own events are asked for; what is nil does not matter.
struct InteractionFilter: Sendable, Hashable {
    var participantID: ParticipantID?
    /// The client's own id of the person.
    var externalID: String?
    var anonymousID: String?
    /// The event's type.
    var event: String?
    /// Of events that say so of themselves.
    var productID: String?
    var sessionID: String?
    var dedupKey: String?

    /// Members of the event beside the known ones, with the value asked for.
    var contextMembers: [(name: String, value: String)] {
        [("product_id", productID), ("session_id", sessionID), ("dedup_key", dedupKey)]
            .compactMap { name, value in value.map { (name, $0) } }
    }
}
