import FoundationEssentials
import Kernel

/// An event that was checked and is ready for the log; all it lacks is a position.
struct PendingEvent: Sendable {
    let clientID: ClientID
    let campaignID: CampaignID?
    let type: String
    /// Hash of (client, event id): what makes it the same event.
    let identity: UUID
    /// Hash of what the sender said: tells a repeat from a conflict.
    let bodyHash: UUID
    /// The stored JSON object, a `LogEvent` without its `position`.
    let envelope: [UInt8]
}

/// What became of an event in the log. Positions are of the event that stands.
enum AppendOutcome: Sendable, Hashable {
    case accepted(position: Int)
    /// It was there already.
    case duplicate(position: Int)
    /// Another event with this id was there already, and stands.
    case conflict(position: Int)
}

/// What the log knows of an event that it has seen.
struct KnownEvent: Sendable, Hashable {
    let bodyHash: UUID
    let position: Int
}

/// Decides which of a batch are new and numbers them. Pure.
struct AppendPlan: Sendable {
    /// One per event of the batch, in its order.
    let outcomes: [AppendOutcome]
    /// Indexes of the accepted events, in order of position.
    let accepted: [Int]

    /// `known` are the events of the batch that the log has seen before; `head` is the last taken
    /// position. Of two events with one id in the batch the first stands.
    init(_ events: [PendingEvent], known: [UUID: KnownEvent], head: Int) {
        var known = known
        var outcomes: [AppendOutcome] = []
        var accepted: [Int] = []
        outcomes.reserveCapacity(events.count)
        for (index, event) in events.enumerated() {
            if let earlier = known[event.identity] {
                let position = earlier.position
                outcomes.append(
                    earlier.bodyHash == event.bodyHash
                        ? .duplicate(position: position) : .conflict(position: position))
            } else {
                let position = head + accepted.count + 1
                known[event.identity] = KnownEvent(bodyHash: event.bodyHash, position: position)
                outcomes.append(.accepted(position: position))
                accepted.append(index)
            }
        }
        self.outcomes = outcomes
        self.accepted = accepted
    }
}
