import Contracts
import Kernel
import RedisKit
import Synchronization

/// Tells Redis after a commit which kinds of events are new: one message per distinct channel.
///
/// Best effort. Nobody waits for it; what comes while Redis is being told goes together, a channel
/// once with its newest position, and what does not fit is dropped: subscribers poll.
final class WakeUps: Sendable {
    private static let maximumWaiting = 4096

    /// What is told of. A channel's name has the client or the shard in it, so it is of one shard.
    private enum Channel: Hashable {
        case events(WakeUpChannel)
        case facet(FacetChannel)

        var name: String {
            switch self {
            case .events(let channel): channel.name
            case .facet(let channel): channel.name
            }
        }
    }

    private let waiting = Mutex<[Channel: LogPosition]>([:])
    private let announced = WakeSignal()
    private let redis: RedisClient?
    private let dropped: Counter

    init(redis: RedisClient?, telemetry: Telemetry) {
        self.redis = redis
        dropped = telemetry.metrics.counter(
            "grapevine_event_wake_ups_dropped_total",
            help: "Wake-ups that did not reach Redis; subscribers polled instead.")
    }

    /// Queues what a commit calls for; returns at once.
    func announce(_ segments: [SegmentDraft], shard: Int) {
        guard redis != nil else { return }
        var newest: [Channel: LogPosition] = [:]
        for segment in segments {
            for (index, event) in segment.header.entries.enumerated() {
                let place = LogPosition(shard: shard, position: segment.firstPosition + index)
                let channel = WakeUpChannel(
                    type: event.type, clientID: event.clientID, campaignID: event.campaignID)
                newest[.events(channel)] = place
                if event.facets.isEmpty { continue }
                for (_, facet) in EventFacets.named where event.facets.contains(facet) {
                    newest[.facet(FacetChannel(facet: facet, shard: shard))] = place
                }
            }
        }
        let lost = waiting.withLock { waiting in
            var lost = 0
            for (channel, position) in newest {
                if waiting.count < Self.maximumWaiting || waiting[channel] != nil {
                    waiting[channel] = position
                } else {
                    lost += 1
                }
            }
            return lost
        }
        if lost > 0 { dropped.increment(by: lost) }
        announced.raise()
    }

    /// Publishes what is queued until the task is cancelled.
    func run() async {
        guard let redis else { return }
        while !Task.isCancelled {
            let seen = announced.raises
            let batch = waiting.withLock { waiting in
                defer { waiting = [:] }
                return waiting
            }
            guard !batch.isEmpty else {
                await announced.wait(past: seen, within: .seconds(60))
                continue
            }
            do {
                try await redis.publish(
                    batch.map { (channel: $0.name, payload: $1.description) })
            } catch {
                dropped.increment(by: batch.count)
            }
        }
    }
}
