import Contracts
import Kernel
import RedisKit
import Synchronization

/// Turns event-service's Redis messages into signals, one per shard.
///
/// Only a hint: a message may be lost, so the log is asked for all its heads now and then; while
/// Redis is away, each shard's reader asks the log by itself.
final class WakeUps: Sendable {
    /// The most patterns of one reader; beyond it everything is heard.
    private static let patternLimit = 32

    private let redis: RedisClient?
    private let patterns: [String]
    /// Whether a commit with a wanted facet is announced here by itself.
    let hearsFacets: Bool
    private let log: any LogPort
    private let pollInterval: Duration
    private let gatherInterval: Duration
    private let loadGatherInterval: Duration
    private let signals: [ShardSignal]
    private let subscribed = Mutex<Set<String>>([])

    /// Signals for so many shards. What is not wanted wakes nobody as a rule.
    init(
        redis: RedisClient?, wanted: Wanted, log: any LogPort, shards: Int,
        pollInterval: Duration, gatherInterval: Duration, loadGatherInterval: Duration? = nil
    ) {
        self.redis = redis
        self.log = log
        self.pollInterval = pollInterval
        self.gatherInterval = gatherInterval
        self.loadGatherInterval = loadGatherInterval ?? gatherInterval
        patterns = Self.patterns(wanted)
        hearsFacets = !wanted.facets.isEmpty
        signals = (0..<shards).map { _ in ShardSignal() }
    }

    private static func patterns(_ wanted: Wanted) -> [String] {
        // The channels of facets say what is wanted, all others how much there is to pass over.
        let facets = FacetChannel.patterns(wanted.facets)
        guard facets.isEmpty, let types = wanted.types, types.count <= patternLimit else {
            return [WakeUpChannel.everything] + facets
        }
        return types.sorted().map { WakeUpChannel.pattern(type: $0) }
    }

    /// Whether a commit in the log wakes us now; otherwise the log must be asked more often.
    var isConnected: Bool { subscribed.withLock { $0.count } == patterns.count }

    /// The signal of a shard.
    func signal(of shard: Int) -> ShardSignal { signals[shard] }

    /// The pace of a shard's reader.
    func pace(of shard: Int) -> ShardPace {
        ShardPace(
            shard: shard, wakeUps: self, pollInterval: pollInterval,
            gatherInterval: gatherInterval, loadGatherInterval: loadGatherInterval)
    }

    /// Listens, and asks for the heads, until the task is cancelled. `onHeads` is told of each
    /// answer: the last position of every shard.
    func run(onHeads: @escaping @Sendable ([Int]) -> Void) async {
        guard let redis else { return }
        await withDiscardingTaskGroup { group in
            for pattern in patterns {
                group.addTask { await self.listen(redis.subscribe(pattern: pattern), pattern) }
            }
            group.addTask { await self.poll(onHeads) }
        }
    }

    private func listen(_ stream: AsyncStream<RedisSignal>, _ pattern: String) async {
        for await signal in stream {
            switch signal {
            case .subscribed:
                _ = subscribed.withLock { $0.insert(pattern) }
                // What was published before is lost: look now.
                demandAll()
            case .disconnected:
                _ = subscribed.withLock { $0.remove(pattern) }
                demandAll()
            case .message(let channel, let payload):
                if let position = LogPosition(payload), signals.indices.contains(position.shard) {
                    signals[position.shard].announce(position.position, on: channel)
                }
            }
        }
        _ = subscribed.withLock { $0.remove(pattern) }
    }

    /// One question for all shards. When it fails, the next one comes soon enough.
    private func poll(_ onHeads: @Sendable ([Int]) -> Void) async {
        while true {
            do { try await Task.sleep(for: pollInterval) } catch { return }
            guard isConnected else { continue }
            do {
                guard let heads = try await log.heads(), heads.count == signals.count else {
                    demandAll()
                    continue
                }
                for (signal, head) in zip(signals, heads) { signal.hint(head) }
                onHeads(heads)
            } catch {
                // The log's absence shows in the age of the last contact.
                continue
            }
        }
    }

    private func demandAll() {
        for signal in signals { signal.demand() }
    }
}
