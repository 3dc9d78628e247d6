internal import Kernel
import Synchronization

/// The parts of a client, kept apart from it so that a forgotten client can still be cleaned up.
final class PostgresCore: Sendable {
    let configuration: PostgresConfiguration
    let lane: PipelineLane
    let pool: LeasePool
    let listener: Listener
    let metrics: PostgresMetrics
    let logger: Logger
    private let isShutDown = Atomic<Bool>(false)

    init(_ configuration: PostgresConfiguration, telemetry: Telemetry) {
        self.configuration = configuration
        logger = telemetry.logger
        metrics = PostgresMetrics(telemetry.metrics)
        let sighting = Sighting()
        lane = PipelineLane(configuration, logger: logger, sighting: sighting)
        pool = LeasePool(configuration, metrics: metrics, logger: logger, sighting: sighting)
        listener = Listener(configuration, logger: logger, sighting: sighting)
        Reactor.shared.add(lane)
        Reactor.shared.add(pool)
        Reactor.shared.add(listener)
    }

    /// When a call that begins now has to be over, on the monotonic clock.
    func deadline(within limit: Duration? = nil) -> UInt64 {
        let limit = limit ?? configuration.statementTimeout + .seconds(5)
        let usual = Monotonic.now() + limit.nanoseconds
        guard let wanted = PostgresDeadline.current else { return usual }
        return min(usual, Monotonic.moment(of: wanted))
    }

    /// Throws what is known to be wrong before anything is sent.
    func check(_ statements: [SQL]) throws(PostgresError) {
        for sql in statements {
            if let failure = sql.parameters.failure { throw failure }
        }
        if isShutDown.load(ordering: .relaxed) {
            throw PostgresError(.closed, "the client is shut down")
        }
        if Task.isCancelled { throw PostgresError(.taskCanceled, "the task was cancelled") }
    }

    /// Runs stand-alone statements as one, on the lane or, when that is held up, on a connection of
    /// their own. `limit` replaces the usual deadline when it is shorter.
    func run(
        _ statements: [SQL], within limit: Duration? = nil
    ) async throws(PostgresError) -> [ResultTable] {
        try check(statements)
        do throws(PostgresError) {
            return try await runOnce(statements, limit)
        } catch  where error.code == .stalePlan {
            // Nothing has run: the server refused the plan. The statement is prepared anew.
            return try await runOnce(statements, limit)
        }
    }

    private func runOnce(
        _ statements: [SQL], _ limit: Duration?
    ) async throws(PostgresError) -> [ResultTable] {
        let submission = Submission(.statements(statements), deadline: deadline(within: limit))
        guard lane.submit(submission, hasBetterPlace: { pool.hasRoomForOthers }) else {
            let session = try await session()
            defer { session.end() }
            return try await session.run(statements)
        }
        let outcome = await submission.outcome {
            submission.finish(.failure(PostgresError(.taskCanceled, "the task was cancelled")))
        }
        metrics.count(outcome)
        return try outcome.get()
    }

    func session() async throws(PostgresError) -> Session {
        try check([])
        return Session(try await pool.lease(deadline: deadline()), core: self)
    }

    /// Refuses new calls.
    func refuse() { isShutDown.store(true, ordering: .relaxed) }

    var isQuiet: Bool { lane.load == 0 && pool.leasedCount == 0 }

    func close() {
        refuse()
        Reactor.shared.remove(lane)
        Reactor.shared.remove(pool)
        Reactor.shared.remove(listener)
        lane.close()
        pool.close()
        listener.close()
    }
}
