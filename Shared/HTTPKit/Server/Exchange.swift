import CMicrohttpd
import Kernel
import Synchronization

/// One request and its answer.
///
/// The library's thread reads the request, starts the handler on itself and parks the connection
/// when the handler suspends. Whoever completes the handler leaves the answer here and, when the
/// connection is parked, resumes it; the library then comes back for the answer.
final class Exchange: Sendable {
    enum Phase {
        /// The body is being read.
        case receiving
        /// The handler runs on the library's thread and has not suspended yet.
        case running
        /// The connection is suspended until there is an answer.
        case parked
        case ready(PreparedResponse)
        /// The answer was handed to the library.
        case sending
        /// The library forgot the request.
        case gone
    }

    struct State {
        var phase = Phase.receiving
        var body: [UInt8] = []
        var receivedBytes = 0
        /// More than the limit came; the rest is thrown away.
        var isOverflowing = false
        var task: Task<Void, Never>?
        var stream: StreamChannel?
        /// What the connection becomes once the answer is sent.
        var upgrade: WebSocketUpgrade?
        var isUpgraded = false
        var status = 0
        var sentBytes = 0
    }

    let core: ServerCore
    let connection: ServerConnection
    let head: RequestHead
    let plan: RequestPlan
    let identity: RequestIdentity
    let startedAt: Int64
    let receivedAt: Timestamp
    private let handle: MHDConnection
    let state = Mutex(State())
    /// When the handler must have answered, in `Monotonic` nanoseconds.
    private let deadline: Atomic<Int64>

    init(
        core: ServerCore, connection: ServerConnection, handle: MHDConnection, head: RequestHead,
        plan: RequestPlan
    ) {
        self.core = core
        self.connection = connection
        self.handle = handle
        self.head = head
        self.plan = plan
        identity = RequestIdentity(head.headers, random: core.randomBits)
        startedAt = Monotonic.now()
        receivedAt = core.world.clock.now()
        deadline = Atomic(Monotonic.never)
    }

    // MARK: - On the library's thread

    /// Takes a part of the body. Beyond the limit it is counted and dropped, and at a multiple of
    /// the limit the connection is cut. Returns whether to go on.
    func receive(_ part: UnsafeRawBufferPointer) -> Bool {
        state.withLock { state in
            state.receivedBytes += part.count
            if state.receivedBytes <= plan.bodyLimitBytes {
                unsafe state.body.append(contentsOf: part)
                return true
            }
            state.isOverflowing = true
            state.body = []
            return state.receivedBytes <= plan.bodyLimitBytes &* 4 &+ RequestPlan.discardLimitBytes
        }
    }

    /// The request is complete: starts the handler, or hands over the answer that became ready.
    func advance() -> MHD_Result {
        connection.deadline.store(Monotonic.never, ordering: .relaxed)
        let isFirst = state.withLock { state in
            guard case .receiving = state.phase else { return false }
            state.phase = .running
            return true
        }
        if isFirst { start() }
        return state.withLock { state in
            switch state.phase {
            case .ready(let response):
                state.phase = .sending
                return send(response, &state)
            case .running where core.isStopping.load(ordering: .relaxed):
                state.phase = .sending
                state.task?.cancel()
                return send(
                    prepare(.problem(.shuttingDown, requestID: identity.requestID)), &state)
            case .running:
                handle.suspend()
                state.phase = .parked
                return .YES
            case .receiving, .parked, .sending, .gone: return .YES
            }
        }
    }

    /// Answers before the body was read; the library then closes the connection.
    func answerAtOnce(_ problem: Problem, _ headers: HTTPHeaders = HTTPHeaders()) -> MHD_Result {
        var response = HTTPResponse.problem(problem, requestID: identity.requestID)
        for field in headers.fields { response.headers.add(field.name, field.value) }
        response.headers.add("Connection", "close")
        return state.withLock { state in
            state.phase = .sending
            return send(prepare(response), &state)
        }
    }

    /// Answers when the library can read no more of the body; it then closes the connection.
    func answerForLibrary(_ problem: Problem) -> MHD_Result {
        state.withLock { state in
            guard case .receiving = state.phase else { return .NO }
            state.phase = .sending
            return send(prepare(.problem(problem, requestID: identity.requestID)), &state)
        }
    }

    /// The library is done with the request, for whatever reason.
    func finish(_ reason: MHD_RequestTerminationCode) {
        let (task, status, received, sent, isUpgraded) = state.withLock { state in
            state.phase = .gone
            state.stream = nil
            state.upgrade = nil
            return (
                state.task.take(), state.status, state.receivedBytes, state.sentBytes,
                state.isUpgraded
            )
        }
        task?.cancel()
        let now = Monotonic.now()
        connection.state.withLock { $0.exchange = nil }
        let isWhole = reason == .REQUEST_TERMINATED_COMPLETED_OK
        // In turbo mode the library marks such a connection closed, but keeps its socket open until
        // something happens on it.
        if !isWhole { core.connections.cut(connection) }
        connection.hasServed.store(true, ordering: .relaxed)
        connection.deadline.store(now + core.limits.idle, ordering: .relaxed)
        // A socket's request was counted when its answer was sent.
        if isUpgraded { return }
        let outcome = ExchangeOutcome(
            status: status == 0 ? ExchangeOutcome.clientLeft : status, nanoseconds: now - startedAt,
            receivedBytes: received, sentBytes: sent,
            isWhole: isWhole)
        report(outcome)
    }

    private func start() {
        let limit = plan.route?.limits.deadline ?? core.configuration.handlerDeadline
        deadline.store(
            Monotonic.now() + Monotonic.nanoseconds(limit), ordering: .relaxed)
        let body = state.withLock { $0.isOverflowing ? nil : $0.body }
        // A large body would keep the library's thread from its other connections.
        let isHeavy = plan.encoding != nil || (body?.count ?? 0) > Self.heavyBytes
        let due = ContinuousClock.now + limit
        let task =
            isHeavy
            ? Task(executorPreference: NearExecutor.shared) { await self.run(body, due) }
            : Task.immediate(executorPreference: NearExecutor.shared) { await self.run(body, due) }
        state.withLock { state in
            if case .ready = state.phase { return }
            state.task = task
        }
    }

    private static let heavyBytes = 32 << 10

    private func send(_ response: PreparedResponse, _ state: inout sending State) -> MHD_Result {
        state.status = response.status
        state.sentBytes = response.byteCount
        let now = Monotonic.now()
        connection.deadline.store(
            response.isStream ? Monotonic.never : now + core.limits.write, ordering: .relaxed)
        let (result, stream) = unsafe response.queue(on: handle)
        state.stream = stream
        state.upgrade = response.upgrade
        return result
    }

    // MARK: - From any thread

    private func run(_ body: [UInt8]?, _ due: ContinuousClock.Instant) async {
        let response = await respond(body, due)
        complete(prepare(response))
    }

    /// Leaves the answer, unless there is one already.
    private func complete(_ response: PreparedResponse) {
        let isParked = state.withLock { state in
            switch state.phase {
            case .running:
                state.phase = .ready(response)
                return false
            case .parked:
                state.phase = .ready(response)
                return true
            case .receiving, .ready, .sending, .gone: return false
            }
        }
        if isParked { handle.resume() }
    }

    /// Answers 503 in place of a handler that takes too long, and cancels it.
    func expire(at now: Int64) {
        guard deadline.load(ordering: .relaxed) < now else { return }
        deadline.store(Monotonic.never, ordering: .relaxed)
        abandon(.deadlineExceeded)
    }

    /// Answers with a problem in place of the handler, and cancels it.
    func abandon(_ problem: Problem) {
        let task = state.withLock { state -> Task<Void, Never>? in
            guard case .parked = state.phase else { return nil }
            return state.task
        }
        guard let task else { return }
        complete(prepare(.problem(problem, requestID: identity.requestID)))
        task.cancel()
    }

    /// Ends a stream of this request: for good, or only if it would never end by itself.
    func endStream(forGood: Bool) {
        guard let stream = state.withLock({ $0.stream }) else { return }
        if forGood { stream.stop() } else if stream.isEndless { stream.cancel() }
    }
}

extension Problem {
    static let deadlineExceeded = Problem.unavailable(
        "deadline_exceeded", "The request took too long and was given up. Try again.")
    static let shuttingDown = Problem.unavailable(
        "shutting_down", "The service is being restarted. Try again.")
}
