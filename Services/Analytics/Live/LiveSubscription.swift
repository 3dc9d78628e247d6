import Contracts
import Kernel
import MessagingKit
import Synchronization

/// One open live view: what came for it and was not written yet.
final class LiveSubscription: Sendable {
    /// A viewer that is further behind is ended and comes back; it goes on from where it was.
    static let limit = 512

    private struct State {
        var events: [LiveEvent] = []
        var hasOverflowed = false
    }

    let clientID: ClientID
    let campaignID: CampaignID?
    private let state = Mutex(State())
    private let signal = WakeSignal()

    init(clientID: ClientID, campaignID: CampaignID?) {
        self.clientID = clientID
        self.campaignID = campaignID
    }

    func wants(_ event: LiveEvent) -> Bool {
        event.clientID == clientID && (campaignID == nil || event.campaignID == campaignID)
    }

    /// Adds what it wants of these.
    func offer(_ events: [LiveEvent]) {
        let wanted = events.filter(wants)
        guard !wanted.isEmpty else { return }
        state.withLock { state in
            if state.events.count + wanted.count > Self.limit {
                state.hasOverflowed = true
                state.events = []
            }
            if !state.hasOverflowed { state.events += wanted }
        }
        signal.raise()
    }

    /// What has come, waiting at most so long for something; nil when too much came.
    func next(within limit: Duration) async -> [LiveEvent]? {
        let seen = signal.raises
        if let events = take(), !events.isEmpty { return events }
        await signal.wait(past: seen, within: limit)
        return take()
    }

    private func take() -> [LiveEvent]? {
        state.withLock { state in
            guard !state.hasOverflowed else { return nil }
            defer { state.events = [] }
            return state.events
        }
    }
}
