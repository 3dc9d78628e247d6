import Contracts
package import Kernel
package import RedisKit
import Synchronization

/// Turns event-service's Redis messages into signals, one per shard.
///
/// Only a hint: while Redis is away, or a message is lost, readers ask the log by themselves.
package final class WakeUps: Sendable {
    /// The most patterns of one reader; beyond it everything is heard.
    private static let patternLimit = 32

    private let redis: RedisClient?
    private let patterns: [String]
    private let signals: [WakeSignal]
    private let subscribed = Mutex<Set<String>>([])

    /// Signals for so many shards. `types` of nil hears everything; without Redis only
    /// `raiseAll` raises them.
    package init(redis: RedisClient?, types: Set<String>?, shards: Int) {
        self.redis = redis
        if let types, types.count <= Self.patternLimit {
            patterns = types.sorted().map { WakeUpChannel.pattern(type: $0) }
        } else {
            patterns = [WakeUpChannel.everything]
        }
        signals = (0..<shards).map { _ in WakeSignal() }
    }

    /// Whether a commit in the log wakes us now; otherwise the log must be asked more often.
    package var isConnected: Bool { subscribed.withLock { $0.count } == patterns.count }

    /// The signal of a shard.
    package func signal(of shard: Int) -> WakeSignal { signals[shard] }

    /// Wakes every shard's reader.
    package func raiseAll() {
        for signal in signals { signal.raise() }
    }

    /// Listens until the task is cancelled.
    package func run() async {
        guard let redis else { return }
        await withDiscardingTaskGroup { group in
            for pattern in patterns {
                group.addTask { await self.listen(redis.subscribe(pattern: pattern), pattern) }
            }
        }
    }

    private func listen(_ stream: AsyncStream<RedisSignal>, _ pattern: String) async {
        for await signal in stream {
            switch signal {
            case .subscribed:
                _ = subscribed.withLock { $0.insert(pattern) }
                // What was published before is lost: look now.
                raiseAll()
            case .disconnected:
                _ = subscribed.withLock { $0.remove(pattern) }
                raiseAll()
            case .message(_, let payload):
                if let position = LogPosition(payload), signals.indices.contains(position.shard) {
                    signals[position.shard].raise()
                }
            }
        }
        _ = subscribed.withLock { $0.remove(pattern) }
    }
}
