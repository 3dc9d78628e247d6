internal import Kernel
import Synchronization

/// The few connections that everybody shares for stand-alone statements.
final class PipelineLane: ConnectionOwner, Ticking {
    private struct State {
        var ready: [Connection] = []
        /// Those that the budget counts as open.
        var members: Set<UInt64> = []
        var budget: ConnectBudget
        /// Statements that wait for the first connection, and until when.
        var backlog = Queue<(submission: Submission, until: UInt64)>()
        var isClosed = false
    }

    /// A line whose head has run for longer holds up whoever queues behind it.
    private static let slowNanoseconds: UInt64 = 30_000_000
    /// The most statements that may be under way or waiting.
    private static let maximumLoad = 10_000
    /// With less in flight, sending on the caller's thread is faster than waking the reactor; with
    /// more, the reactor sends many at once and costs less.
    private static let inlineLoad = 1

    private let connector: Connector
    private let waitLimit: UInt64
    private let state: Mutex<State>

    init(_ configuration: PostgresConfiguration, logger: Logger, sighting: Sighting) {
        connector = Connector(
            configuration: configuration, lockTimeout: configuration.pipelinedLockTimeout,
            logger: logger)
        waitLimit = configuration.poolWaitLimit.nanoseconds
        let limit = min(max(configuration.pipelinedConnections, 1), 4)
        state = Mutex(State(budget: ConnectBudget(limit: limit, sighting: sighting)))
    }

    var load: Int {
        state.withLock { state in
            state.ready.reduce(state.backlog.count) { $0 + $1.load.load(ordering: .relaxed) }
        }
    }

    /// What can be done with a statement now.
    private enum Route {
        case connection(Connection)
        /// Every line is held up by something slow: better on a connection of its own.
        case congested
        case none
    }

    private func route() -> Route {
        let ready = state.withLock { $0.ready }
        guard var best = ready.first else { return .none }
        var bestLoad = Int.max
        var isCongested = true
        let now = Monotonic.now()
        for connection in ready {
            let load = connection.load.load(ordering: .relaxed)
            let since = connection.busySince
            if load > 0, since != 0, since + Self.slowNanoseconds < now { continue }
            isCongested = false
            if load < bestLoad { (best, bestLoad) = (connection, load) }
        }
        return isCongested ? .congested : .connection(best)
    }

    /// Sends the statement or has it wait for a connection; ends it when neither is possible.
    ///
    /// False, and nothing done, when every line is held up and the statement has a better place.
    func submit(_ submission: Submission, hasBetterPlace: () -> Bool) -> Bool {
        let route = route()
        if case .congested = route, hasBetterPlace() { return false }
        submit(submission, on: route)
        return true
    }

    private func submit(_ submission: Submission, on first: Route? = nil) {
        var route = first ?? self.route()
        while let connection = connection(for: route) {
            let load = connection.load.load(ordering: .relaxed)
            guard load < Self.maximumLoad else {
                return submission.finish(
                    .failure(PostgresError(.poolTimeout, "too many statements at once")))
            }
            if connection.submit(submission, isInline: load < Self.inlineLoad) { return }
            // It has just been closed; its owner will hear of it, we do not wait for that.
            state.withLock { $0.ready.removeAll { $0 === connection } }
            route = self.route()
        }
        wait(submission)
    }

    private func connection(for route: Route) -> Connection? {
        switch route {
        case .connection(let connection): connection
        case .none: nil
        case .congested:
            state.withLock { state in
                state.ready.min {
                    $0.load.load(ordering: .relaxed) < $1.load.load(ordering: .relaxed)
                }
            }
        }
    }

    private func wait(_ submission: Submission) {
        let now = Monotonic.now()
        let refusal = state.withLock { state -> PostgresError? in
            if state.isClosed { return PostgresError(.closed, "the client is shut down") }
            if state.budget.isDown(forNanoseconds: waitLimit, now: now) {
                return PostgresError(.unavailable, "the server is away")
            }
            guard state.backlog.count < Self.maximumLoad else {
                return PostgresError(.poolTimeout, "too many statements at once")
            }
            state.backlog.append((submission, min(now + waitLimit, submission.deadline)))
            return nil
        }
        if let refusal { submission.finish(.failure(refusal)) }
        openMore()
    }

    /// Keeps the lane full once it is in use.
    private func openMore() {
        let count = state.withLock { state in
            state.isClosed
                ? 0 : state.budget.begin(wanted: state.budget.limit, now: Monotonic.now())
        }
        for _ in 0..<count { connector.begin(for: self) }
    }

    // MARK: What connections tell

    func connectionOpened(_ connection: Connection) {
        let (backlog, isUnwanted) = state.withLock { state -> ([Submission], Bool) in
            if state.isClosed { return ([], true) }
            guard connection.isOpen else {
                state.budget.failed(now: Monotonic.now(), random: .random(in: 0...1))
                return ([], false)
            }
            state.budget.opened(now: Monotonic.now())
            state.members.insert(connection.identifier)
            state.ready.append(connection)
            return (state.backlog.removeAll().map(\.submission), false)
        }
        if isUnwanted { return connection.close() }
        for submission in backlog where !submission.isFinished { submit(submission) }
        openMore()
    }

    func connectionFailed(_ error: PostgresError) {
        state.withLock { state in
            state.budget.failed(now: Monotonic.now(), random: .random(in: 0...1))
        }
    }

    func connectionClosed(_ connection: Connection, unsent: [Submission]) {
        state.withLock { state in
            state.ready.removeAll { $0 === connection }
            if state.members.remove(connection.identifier) != nil { state.budget.closed() }
        }
        for submission in unsent where !submission.isFinished {
            // Once more on another connection: it has certainly not run.
            if submission.moves.add(1, ordering: .relaxed).newValue <= 2 {
                submit(submission)
            } else {
                submission.finish(.failure(PostgresError(.unavailable, "the connection was lost")))
            }
        }
        openMore()
    }

    func deadlinePassed(_ submission: Submission, on connection: Connection) {
        // The answer is dropped when it comes; the server's own time limit ends the statement.
        submission.finish(.failure(PostgresError(.deadlineExceeded, "no answer in time")))
    }

    // MARK: Time and the end

    func tick(_ now: UInt64) {
        let (expired, isInUse) = state.withLock { state -> ([Submission], Bool) in
            var expired: [Submission] = []
            state.backlog.removeAll { entry in
                guard entry.until <= now || entry.submission.isFinished else { return false }
                expired.append(entry.submission)
                return true
            }
            return (expired, state.budget.downSince != nil || !state.backlog.isEmpty)
        }
        for submission in expired {
            let isLate = submission.deadline <= now
            let error =
                isLate
                ? PostgresError(.deadlineExceeded, "no connection in time")
                : PostgresError(.unavailable, "the server is away")
            submission.finish(.failure(error))
        }
        if isInUse { openMore() }
    }

    func close() {
        let (connections, backlog) = state.withLock { state in
            state.isClosed = true
            return (state.ready, state.backlog.removeAll().map(\.submission))
        }
        let closed = PostgresError(.closed, "the client is shut down")
        for submission in backlog { submission.finish(.failure(closed)) }
        for connection in connections { connection.close() }
    }
}
