import Contracts
import Kernel
import MessagingKit
import PostgresKit
import RedisKit

/// Brings the log into ClickHouse: each event once, whatever crashes.
///
/// A subscriber like the others, but for two things: what it does is outside its database, so it
/// writes a batch down before it sends it; and it reads everything.
struct EventStream: Sendable {
    /// Known to the log.
    static let subscriber = "analytics"

    let log: any LogPort
    let world: World
    let cursors: CursorStore
    let batches: BatchStore
    let archive: EventArchive
    let inserter: StreamInserter
    let metrics: StreamMetrics
    let batchLimit: Int
    private let keeper: ShardKeeper
    var held: HeldShards { keeper.held }

    init(
        log: any LogPort, redis: RedisClient?, postgres: PostgresClient, archive: EventArchive,
        metrics: StreamMetrics, configuration: AnalyticsConfiguration, world: World
    ) {
        self.log = log
        self.world = world
        self.archive = archive
        self.metrics = metrics
        cursors = CursorStore(
            postgres: postgres, subscriber: Self.subscriber, owner: world.ids.next())
        batches = BatchStore(
            postgres: postgres, cursors: cursors, subscriber: Self.subscriber, world: world)
        inserter = StreamInserter(
            archive: archive,
            pace: InsertPace(
                linger: configuration.linger, enoughRows: configuration.batchLimit),
            metrics: metrics)
        batchLimit = configuration.batchLimit
        var bounds = SubscriberConfiguration()
        // Longer than an insert and the questions around it may take.
        bounds.stallLimit = .seconds(120)
        keeper = ShardKeeper(
            log: log, redis: redis, wanted: .everything, cursors: cursors, configuration: bounds)
    }

    /// Works until the task is cancelled, then gives its shards back. Never throws.
    func run() async {
        let listener = ShardKeeper.Listener(report: report, onHeads: metrics.contact(heads:))
        await keeper.run(listener) { lease, pace in
            await StreamWorker(stream: self, lease: lease).run(pace)
        }
    }

    func report(_ message: String, _ error: any Error) {
        guard !Task.isCancelled else { return }
        world.telemetry.logger.warning(message, [("error", .text(StreamMetrics.label(error)))])
    }
}
