import Contracts
import FoundationEssentials
import Kernel

/// An event that was checked and is ready for the log; all it lacks is a position.
struct PendingEvent: Sendable {
    let clientID: ClientID
    let campaignID: CampaignID?
    let type: String
    /// What it has about it besides its type, for those who read the log by it.
    let facets: EventFacets
    /// Whom it shows; nil for an event without a person that the client knows.
    var sighting: PersonSighting?
    /// Hash of (client, event id): what makes it the same event.
    let identity: UUID
    /// Hash of what the sender said: tells a repeat from a conflict.
    let bodyHash: UUID
    /// Nil for an event that counts however often it happens.
    var interaction: PendingInteraction?
    /// The stored JSON object, a `LogEvent` without its `position`.
    let envelope: [UInt8]
}

/// What must not have been done lately.
struct PendingInteraction: Sendable, Hashable {
    /// Hash of (client, product, person, type, key).
    let identity: UUID
    /// For how long a repeat does not count.
    let window: Duration
}

/// What became of an event in the log. Positions are of the event that stands.
enum AppendOutcome: Sendable, Hashable {
    case accepted(position: Int)
    /// It was there already.
    case duplicate(position: Int)
    /// Another event with this id was there already, and stands.
    case conflict(position: Int)
    /// The person did the same within the window; that event stands.
    case repeated(position: Int)
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

    /// Of two events with one id in the batch the first stands, and so of two interactions.
    ///
    /// - Parameters:
    ///   - known: the events of the batch that the log has seen before.
    ///   - done: the interactions of the batch that were done lately, with the event's position.
    ///   - head: the last taken position.
    init(
        _ events: [PendingEvent], known: [UUID: KnownEvent], done: [UUID: Int] = [:], head: Int
    ) {
        var known = known
        var done = done
        var outcomes: [AppendOutcome] = []
        var accepted: [Int] = []
        outcomes.reserveCapacity(events.count)
        for (index, event) in events.enumerated() {
            if let earlier = known[event.identity] {
                let position = earlier.position
                outcomes.append(
                    earlier.bodyHash == event.bodyHash
                        ? .duplicate(position: position) : .conflict(position: position))
            } else if let earlier = event.interaction.flatMap({ done[$0.identity] }) {
                outcomes.append(.repeated(position: earlier))
            } else {
                let position = head + accepted.count + 1
                known[event.identity] = KnownEvent(bodyHash: event.bodyHash, position: position)
                if let interaction = event.interaction { done[interaction.identity] = position }
                outcomes.append(.accepted(position: position))
                accepted.append(index)
            }
        }
        self.outcomes = outcomes
        self.accepted = accepted
    }

    /// The accepted ones of the batch that it was made for.
    func accepted(of events: [PendingEvent]) -> [PendingEvent] {
        accepted.count == events.count ? events : accepted.map { events[$0] }
    }
}
