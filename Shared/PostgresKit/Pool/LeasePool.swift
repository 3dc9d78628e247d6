internal import Kernel
import Synchronization

/// Lends connections, one borrower each. The decisions are in `PoolState`; this does what they say.
final class LeasePool: ConnectionOwner, Ticking {
    private struct State {
        var pool: PoolState
        var connections: [UInt64: Connection] = [:]
        var waiters: [UInt64: Waiter] = [:]
        var nextWaiter: UInt64 = 1
        var isClosed = false
    }

    private let connector: Connector
    private let metrics: PostgresMetrics
    private let state: Mutex<State>

    init(
        _ configuration: PostgresConfiguration, metrics: PostgresMetrics, logger: Logger,
        sighting: Sighting
    ) {
        connector = Connector(
            configuration: configuration, lockTimeout: configuration.lockTimeout, logger: logger)
        self.metrics = metrics
        let pool = PoolState(
            limit: max(1, configuration.leasedConnections),
            waitLimit: configuration.poolWaitLimit.nanoseconds,
            idleLimit: configuration.idleLimit.nanoseconds, sighting: sighting)
        state = Mutex(State(pool: pool))
    }

    var leasedCount: Int { state.withLock { $0.pool.leased.count } }

    /// Whether a stand-alone statement may take a connection from those for transactions.
    var hasRoomForOthers: Bool { state.withLock { $0.pool.hasRoomForOthers } }

    /// Borrows a connection. Throws `.poolTimeout` past the wait limit, `.deadlineExceeded` past an
    /// earlier deadline, `.unavailable` when the server is away.
    func lease(deadline: UInt64) async throws(PostgresError) -> Connection {
        let began = Monotonic.now()
        let waiter = Waiter(deadline: deadline)
        let answer = state.withLock { state -> Result<Connection?, PostgresError> in
            if state.isClosed { return .failure(PostgresError(.closed, "the client is shut down")) }
            waiter.identifier = state.nextWaiter
            state.nextWaiter += 1
            switch state.pool.lease(waiter.identifier, now: began) {
            case .use(let id): return .success(state.connections[id])
            case .wait:
                state.waiters[waiter.identifier] = waiter
                return .success(nil)
            case .refuse:
                return .failure(PostgresError(.poolTimeout, "too many wait for a connection"))
            case .down: return .failure(PostgresError(.unavailable, "the server is away"))
            }
        }
        openMore()
        report()
        if let connection = try answer.get() { return connection }
        defer { metrics.wait.observe(.nanoseconds(Int64(Monotonic.now() - began))) }
        return try await waiter.outcome { self.abandon(waiter) }.get()
    }

    /// Takes a connection back; one that cannot be used again is closed and replaced when needed.
    func giveBack(_ connection: Connection) {
        guard connection.isReusable else { return connection.close() }
        let waiter = state.withLock { state -> Waiter? in
            guard !state.isClosed, state.connections[connection.identifier] != nil else {
                return nil
            }
            return place(connection, &state) { $0.giveBack(connection.identifier, now: $1) }
        }
        hand(connection, to: waiter)
        if state.withLock({ $0.isClosed }) { connection.close() }
        report()
    }

    private func place(
        _ connection: Connection, _ state: inout State,
        _ decide: (inout PoolState, UInt64) -> PoolState.Placement
    ) -> Waiter? {
        switch decide(&state.pool, Monotonic.now()) {
        case .hand(let id): state.waiters.removeValue(forKey: id)
        case .keep: nil
        }
    }

    /// Somebody who gave up at the same moment does not take it; then the next one gets it.
    private func hand(_ connection: Connection, to waiter: Waiter?) {
        guard let waiter else { return }
        if !waiter.finish(.success(connection)) { giveBack(connection) }
    }

    private func abandon(_ waiter: Waiter) {
        state.withLock { state in
            state.pool.withdraw(waiter.identifier)
            state.waiters[waiter.identifier] = nil
        }
        waiter.finish(.failure(PostgresError(.taskCanceled, "the task was cancelled")))
        report()
    }

    private func openMore() {
        let count = state.withLock { state in
            state.isClosed ? 0 : state.pool.connectionsToOpen(now: Monotonic.now())
        }
        for _ in 0..<count { connector.begin(for: self) }
    }

    private func report() {
        let (leased, waiting) = state.withLock { ($0.pool.leased.count, $0.pool.waiting) }
        metrics.inUse.set(leased)
        metrics.waiting.set(waiting)
    }

    // MARK: What connections tell

    func connectionOpened(_ connection: Connection) {
        let (waiter, isUnwanted) = state.withLock { state -> (Waiter?, Bool) in
            if state.isClosed { return (nil, true) }
            guard connection.isOpen else {
                state.pool.openFailed(now: Monotonic.now(), random: .random(in: 0...1))
                return (nil, false)
            }
            state.connections[connection.identifier] = connection
            let waiter = place(connection, &state) { $0.opened(connection.identifier, now: $1) }
            return (waiter, false)
        }
        hand(connection, to: waiter)
        if isUnwanted { connection.close() }
        openMore()
        report()
    }

    func connectionFailed(_ error: PostgresError) {
        state.withLock { state in
            state.pool.openFailed(now: Monotonic.now(), random: .random(in: 0...1))
        }
    }

    func connectionClosed(_ connection: Connection, unsent: [Submission]) {
        let isOurs = state.withLock { state -> Bool in
            guard state.connections.removeValue(forKey: connection.identifier) != nil else {
                return false
            }
            state.pool.closed(connection.identifier)
            return true
        }
        for submission in unsent {
            submission.finish(.failure(PostgresError(.unavailable, "the connection was lost")))
        }
        if isOurs {
            openMore()
            report()
        }
    }

    func deadlinePassed(_ submission: Submission, on connection: Connection) {
        connection.cancel(submission, .deadlineExceeded)
    }

    // MARK: Time and the end

    func tick(_ now: UInt64) {
        let (expired, isDown, stale) = state.withLock { state in
            var expired = state.pool.expire(now: now)
            for (id, waiter) in state.waiters where waiter.deadline <= now {
                state.pool.withdraw(id)
                expired.append(id)
            }
            let waiters = expired.compactMap { state.waiters.removeValue(forKey: $0) }
            // Taken out here, so that nobody borrows them while they are being closed.
            let stale = state.pool.idleToClose(now: now).compactMap { id in
                state.pool.closed(id)
                return state.connections.removeValue(forKey: id)
            }
            return (waiters, state.pool.budget.downSince != nil, stale)
        }
        for waiter in expired {
            waiter.finish(.failure(waiter.failure(isDown: isDown, now: now)))
        }
        for connection in stale { connection.close() }
        if !expired.isEmpty { report() }
        openMore()
    }

    func close() {
        let (connections, waiters) = state.withLock { state in
            state.isClosed = true
            let all = (Array(state.connections.values), Array(state.waiters.values))
            state.waiters = [:]
            return all
        }
        let closed = PostgresError(.closed, "the client is shut down")
        for waiter in waiters { waiter.finish(.failure(closed)) }
        for connection in connections { connection.close() }
    }
}
