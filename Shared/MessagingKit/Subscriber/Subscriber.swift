package import Contracts
package import Kernel
package import PostgresKit
package import RedisKit

/// Reads the log and lets each event take effect once, in the order of its shard, whatever crashes.
///
/// The cursor is in the service's own database and moves in the transaction of what was done,
/// fenced by (position, epoch). Replicas share the shards by leases; one that stalls is passed over
/// and its late transaction is rolled back.
package struct Subscriber: Sendable {
    /// Applies events of one shard, in order, in the transaction that moves the cursor.
    ///
    /// May run again for the same events after a rollback, so it has no effect outside the
    /// transaction. Throws `PoisonEvent` for an event that can never take effect; anything else is
    /// tried again for ever, with backoff and with smaller batches.
    package typealias Apply = @Sendable ([LogEvent], Transaction) async throws -> Void

    /// Known to the log, unique among all subscribers (`reward-service`).
    package let name: String
    /// How far it is.
    package let progress = SubscriberProgress()

    let service: ServiceName
    let wanted: Wanted
    let changes: ChangingWants?
    let log: any LogPort
    let postgres: PostgresClient
    let world: World
    let configuration: SubscriberConfiguration
    let apply: Apply
    let cursors: CursorStore
    private let keeper: ShardKeeper
    var held: HeldShards { keeper.held }

    /// A subscriber over the tables of `MessagingMigrations` in `postgres`; `run()` does the work.
    ///
    /// - Parameters:
    ///   - service: whose crash points it reaches.
    ///   - wanted: only these events are applied.
    ///   - changes: what is wanted beside them for a while. Events of a type that was wanted just
    ///     before may still come.
    ///   - redis: wakes it at once; without it, it polls.
    package init(
        service: ServiceName, name: String, wanted: Wanted, changes: ChangingWants? = nil,
        postgres: PostgresClient, log: any LogPort, redis: RedisClient?, world: World,
        configuration: SubscriberConfiguration = SubscriberConfiguration(),
        apply: @escaping Apply
    ) {
        self.service = service
        self.name = name
        self.wanted = wanted
        self.changes = changes
        self.postgres = postgres
        self.log = log
        self.world = world
        self.configuration = configuration
        self.apply = apply
        cursors = CursorStore(postgres: postgres, subscriber: name, owner: world.ids.next())
        keeper = ShardKeeper(
            log: log, redis: redis, wanted: changes == nil ? wanted : .everything,
            cursors: cursors, configuration: configuration)
    }

    /// The age of the last good contact with the log, for readiness; nil before the first.
    package var lastContact: Duration? { progress.lastContact }

    /// Lets calls wait until this subscriber has passed a position.
    package var barrier: PositionBarrier {
        PositionBarrier(subscriber: name, postgres: postgres, progress: progress)
    }

    /// Works until the task is cancelled, then gives its shards back. Never throws: it backs off
    /// and goes on while the log, the database or Redis is away.
    package func run() async {
        let listener = ShardKeeper.Listener(
            report: report, onLook: progress.looked, onHeads: progress.contact(heads:))
        await keeper.run(listener) { lease, pace in
            await ShardWorker(subscriber: self, lease: lease).run(pace)
        }
    }

    func report(_ message: String, _ error: any Error) {
        guard !Task.isCancelled else { return }
        world.telemetry.logger.warning(
            message, [("subscriber", .text(name)), ("error", .text(error.label))])
    }
}
