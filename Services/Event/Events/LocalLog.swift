import Contracts
import HTTPKit
import Kernel
import MessagingKit
import PostgresKit
import ServiceKit

/// The log itself, for event-service's own use and for its routes.
struct LocalLog: LogPort {
    let appender: LogAppender
    let wakeUps: WakeUps
    let acknowledgements: Acknowledgements
    let retention: RetentionStore
    let tail: LogTailCache
    private let store: FeedStore
    private let writing: LogStore
    let pages: LogFeed
    private let world: World

    init(_ resources: ServiceResources) {
        let shards = ShardMap.installed
        let tail = LogTailCache(shards: shards.count)
        let signals = (0..<shards.count).map { _ in WakeSignal() }
        let wakeUps = WakeUps(redis: resources.redis, telemetry: resources.world.telemetry)
        let postgres = resources.postgres
        writing = LogStore(postgres: postgres, faults: resources.world.faults)
        appender = LogAppender(
            store: writing, shards: shards, world: resources.world,
            onAppended: { shard, appended in
                guard !appended.segments.isEmpty else { return }
                tail.append(appended.segments, to: shard)
                signals[shard].raise()
                wakeUps.announce(appended.segments, shard: shard)
            })
        store = FeedStore(postgres: postgres)
        acknowledgements = Acknowledgements(store: store, world: resources.world)
        pages = LogFeed(
            store: store, tail: tail, signals: signals, shards: shards,
            acknowledgements: acknowledgements)
        retention = RetentionStore(postgres: postgres)
        self.tail = tail
        self.wakeUps = wakeUps
        world = resources.world
    }

    /// Learns which ids of events were there before this process, until the task is cancelled.
    func learnIdentities() async {
        await writing.identities.run(writing, logger: world.telemetry.logger)
    }

    /// A page as the bytes that go out.
    func page(_ request: FeedRequest) async throws -> [UInt8] { try await pages.page(request) }

    // MARK: - LogPort

    func append(_ messages: [LogMessage]) async throws(LogError) -> [LogAppendResult] {
        let now = world.clock.now()
        do {
            let pending = try messages.map {
                try EventEnvelope.pending($0, receivedAt: now)
            }
            let results = try await appender.append(pending, of: nil)
            return zip(messages, results).map { message, result in
                LogAppendResult(message, shard: result.shard, result.outcome)
            }
        } catch let failure as LogFailure {
            throw .unavailable(reason: "\(failure)")
        } catch {
            throw .refused(code: "invalid_message", detail: "The message cannot be stored.")
        }
    }

    func feed(_ request: FeedRequest) async throws(LogError) -> FeedPage {
        let bytes: [UInt8]
        do {
            bytes = try await page(request)
        } catch {
            throw .unavailable(reason: "the log could not be read")
        }
        return try FeedPage(reading: bytes)
    }

    func shardCount() async throws(LogError) -> Int { ShardMap.installed.count }

    func heads() async throws(LogError) -> [Int]? {
        do { return try await store.heads() } catch {
            throw .unavailable(reason: "the log could not be read")
        }
    }
}

extension LogAppendResult {
    fileprivate init(_ message: LogMessage, shard: Int, _ outcome: AppendOutcome) {
        let (status, position): (Status, Int) =
            switch outcome {
            case .accepted(let position): (.accepted, position)
            case .duplicate(let position): (.duplicate, position)
            case .conflict(let position): (.conflict, position)
            case .repeated(let position): (.duplicate, position)
            }
        self.init(
            id: message.id, status: status,
            position: LogPosition(shard: shard, position: position))
    }
}
