import Kernel
import Synchronization

/// What callers were promised: the audits hold the databases to it.
final class Acknowledged: Sendable {
    /// An event that was answered with 202.
    struct Event: Sendable, Hashable {
        let clientID: ClientID
        let eventID: String
    }

    /// A sign-up that must end as exactly one fulfilled reward.
    struct Reward: Sendable, Hashable {
        let clientID: ClientID
        let campaignID: CampaignID
        let participant: String
    }

    /// An order of somebody who was brought: one conversion, and a reward for each side.
    struct Order: Sendable, Hashable {
        let clientID: ClientID
        let campaignID: CampaignID
        let order: String
        let buyer: String
        let referrer: String
    }

    private struct State: Sendable {
        var events: Set<Event> = []
        var rewards: Set<Reward> = []
        var orders: Set<Order> = []
    }

    private let state = Mutex(State())

    func add(_ event: Event) { state.withLock { _ = $0.events.insert(event) } }
    func add(_ reward: Reward) { state.withLock { _ = $0.rewards.insert(reward) } }
    func add(_ order: Order) { state.withLock { _ = $0.orders.insert(order) } }

    var events: Set<Event> { state.withLock { $0.events } }
    var rewards: Set<Reward> { state.withLock { $0.rewards } }
    var orders: Set<Order> { state.withLock { $0.orders } }
}
