import Contracts
import Kernel
import RedisKit

/// Tells Redis after a commit which kinds of events are new: one message per distinct channel.
///
/// Best effort. Nobody waits for it, and what does not fit the queue is dropped: subscribers poll.
struct WakeUps: Sendable {
    private static let maximumWaiting = 4096

    private let messages: AsyncStream<(channel: String, payload: String)>
    private let queue: AsyncStream<(channel: String, payload: String)>.Continuation
    private let redis: RedisClient?
    private let dropped: Counter

    init(redis: RedisClient?, telemetry: Telemetry) {
        self.redis = redis
        (messages, queue) = AsyncStream.makeStream(
            bufferingPolicy: .bufferingNewest(Self.maximumWaiting))
        dropped = telemetry.metrics.counter(
            "grapevine_event_wake_ups_dropped_total",
            help: "Wake-ups that did not reach Redis; subscribers polled instead.")
    }

    /// Queues what a commit calls for; returns at once.
    func announce(_ events: [PendingEvent], _ appended: Appended, shard: Int) {
        guard redis != nil else { return }
        var newest: [WakeUpChannel: Int] = [:]
        for (event, outcome) in zip(events, appended.outcomes) {
            guard case .accepted(let position) = outcome else { continue }
            let channel = WakeUpChannel(
                type: event.type, clientID: event.clientID, campaignID: event.campaignID)
            newest[channel] = position
        }
        for (channel, position) in newest {
            let payload = LogPosition(shard: shard, position: position).description
            if case .dropped = queue.yield((channel.name, payload)) { dropped.increment() }
        }
    }

    /// Publishes what is queued until the task is cancelled.
    func run() async {
        guard let redis else { return }
        for await message in messages {
            do {
                try await redis.publish([message])
            } catch {
                dropped.increment()
            }
        }
    }
}
