import Kernel
import Synchronization

/// The way of commands from many tasks to the one thread that talks to Redis, and its bounds.
///
/// Callers append to an inbox and ring only when the thread may sleep; the thread takes the whole
/// inbox at once, so commands of many tasks share one write and one read.
final class CommandLane: Sendable {
    /// What the thread finds when it looks.
    struct Turn {
        var arrivals: [CommandRequest]
        var connected: Result<RedisConnection, RedisError>?
        var isStopped: Bool
    }

    private enum Phase {
        /// Before the first connection attempt ended: commands wait, within their deadline.
        case starting
        case up
        case down(RedisError)
        case stopped
    }

    private struct State {
        var phase = Phase.starting
        var inbox: [CommandRequest] = []
        var connected: Result<RedisConnection, RedisError>?
        var isAwake = false
        var queuedCommands = 0
        var queuedBytes = 0
    }

    let configuration: RedisConfiguration
    let logger: Logger
    let doorbell = Doorbell()
    /// Opens when the thread has ended.
    let ended = Latch()
    private let state = Mutex(State())
    private let metrics: CommandMetrics

    init(_ configuration: RedisConfiguration, telemetry: Telemetry) {
        self.configuration = configuration
        logger = telemetry.logger
        metrics = CommandMetrics(telemetry.metrics)
    }

    func start() {
        let started = DedicatedThread.start { [self] in
            let worker = CommandWorker(lane: self)
            worker.run()
            ended.open()
        }
        guard !started else { return }
        logger.error("redis thread could not start")
        stop()
        ended.open()
    }

    func stop() {
        state.withLock { $0.phase = .stopped }
        doorbell.ring()
    }

    var isUp: Bool {
        state.withLock { if case .up = $0.phase { true } else { false } }
    }

    /// Queues encoded commands and waits for as many answers.
    func submit(
        _ bytes: [UInt8], answers count: Int, within limit: Duration
    ) async throws(RedisError) -> [RedisValue] {
        let deadline = ContinuousClock.now + limit
        let result: CommandResult = await withCheckedContinuation { caller in
            enqueue(
                CommandRequest(
                    bytes: bytes, commandCount: count, deadline: deadline, caller: caller))
        }
        metrics.count(result, commands: count)
        return try result.get()
    }

    private func enqueue(_ request: CommandRequest) {
        var mustRing = false
        let refusal = state.withLock { state -> RedisError? in
            if let refusal = check(request, in: state) { return refusal }
            state.inbox.append(request)
            state.queuedCommands += request.commandCount
            state.queuedBytes += request.bytes.count
            mustRing = !state.isAwake
            state.isAwake = true
            return nil
        }
        if let refusal { request.caller?.resume(returning: .failure(refusal)) }
        if mustRing { doorbell.ring() }
    }

    private func check(_ request: CommandRequest, in state: State) -> RedisError? {
        switch state.phase {
        case .stopped: return RedisError(.shutDown)
        case .down(let reason): return reason
        case .starting, .up: break
        }
        if request.bytes.count > configuration.queueLimitBytes {
            return RedisError(.invalidCommand, detail: "The command exceeds the queue's bytes.")
        }
        let fits =
            state.queuedCommands + request.commandCount <= configuration.queueLimitCommands
            && state.queuedBytes + request.bytes.count <= configuration.queueLimitBytes
        return fits ? nil : RedisError(.overloaded)
    }
}

// MARK: - The thread's side

extension CommandLane {
    func takeTurn() -> Turn {
        state.withLock { state in
            var turn = Turn(arrivals: [], connected: state.connected, isStopped: false)
            if case .stopped = state.phase { turn.isStopped = true }
            swap(&turn.arrivals, &state.inbox)
            state.connected = nil
            state.isAwake = true
            return turn
        }
    }

    /// Whether nothing came since the last turn; from then on callers ring.
    func mayFallAsleep() -> Bool {
        state.withLock { state in
            if case .stopped = state.phase { return false }
            guard state.inbox.isEmpty, state.connected == nil else { return false }
            state.isAwake = false
            return true
        }
    }

    func release(commands: Int, bytes: Int) {
        state.withLock { state in
            state.queuedCommands -= commands
            state.queuedBytes -= bytes
        }
    }

    func becomeUp() {
        setPhase(.up)
        metrics.up.set(1)
    }

    func becomeDown(_ reason: RedisError) {
        setPhase(.down(reason))
        metrics.up.set(0)
    }

    /// Connects on another thread, because name resolution blocks and deadlines must not.
    func connectElsewhere() {
        let started = DedicatedThread.start { [self] in
            deliver(Result { () throws(RedisError) in try RedisConnection.open(configuration) })
        }
        if !started { deliver(.failure(RedisError(.unavailable, detail: "No thread."))) }
    }

    private func deliver(_ outcome: Result<RedisConnection, RedisError>) {
        state.withLock { $0.connected = outcome }
        doorbell.ring()
    }

    private func setPhase(_ phase: Phase) {
        state.withLock { state in
            if case .stopped = state.phase { return }
            state.phase = phase
        }
    }
}
