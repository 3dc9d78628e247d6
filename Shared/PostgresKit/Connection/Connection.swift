import Kernel
import Synchronization

/// Who keeps a connection: the lane of pipelined ones, the pool of leased ones, or the listener.
protocol ConnectionOwner: AnyObject, Sendable {
    func connectionOpened(_ connection: Connection)
    func connectionFailed(_ error: PostgresError)
    /// `unsent` certainly did not run; the owner ends it or moves it. May come again with more.
    func connectionClosed(_ connection: Connection, unsent: [Submission])
    func connectionNotified(channel: String, payload: String)
    /// The caller's deadline has passed.
    func deadlinePassed(_ submission: Submission, on connection: Connection)
}

extension ConnectionOwner {
    func connectionNotified(channel: String, payload: String) {}
}

/// One connection to the server: a line of work under a mutex, answered in order.
final class Connection: Sendable {
    let identifier: UInt64
    /// How much work is waiting or in flight.
    let load = Atomic<Int>(0)
    private let isOpenFlag = Atomic<Bool>(true)
    private let headSince = Atomic<UInt64>(0)
    private let owner: any ConnectionOwner
    private let silenceLimit: UInt64
    private let state: Mutex<ConnectionState>
    private let inbox = Mutex(Inbox())

    /// What callers left to be sent. Apart from the state, so that nobody waits while the reactor
    /// works.
    private struct Inbox {
        var submissions: [Submission] = []
        var isScheduled = false
        var isClosed = false

        mutating func take() -> [Submission] {
            let all = submissions
            submissions = []
            return all
        }
    }

    /// `silenceLimit`: nanoseconds without an answer after which the connection counts as dead.
    init(
        _ handle: ConnectionHandle, owner: any ConnectionOwner, preparedStatements: Int,
        silenceLimit: UInt64
    ) {
        identifier = Reactor.shared.nextIdentifier()
        self.owner = owner
        self.silenceLimit = silenceLimit
        let initial = ConnectionState(handle: handle, preparedStatements: preparedStatements)
        state = Mutex(initial)
    }

    var isOpen: Bool { isOpenFlag.load(ordering: .acquiring) }

    /// Since when the oldest work has been running; 0 when nothing runs.
    var busySince: UInt64 { headSince.load(ordering: .relaxed) }

    /// Whether the next borrower may have it: open, nothing running, outside a transaction.
    var isReusable: Bool {
        state.withLock { state in
            !state.isClosed && state.inFlight.isEmpty && state.waiting.isEmpty
                && state.mode == .pipeline && !state.isCancelling && state.handle.isIdle
        }
    }

    /// Begins to read; until then nothing arrives.
    func start() {
        Reactor.shared.add(self, descriptor: state.withLock { $0.descriptor })
    }

    /// Puts work in line. `isInline`: sends it on this thread, else on the reactor's.
    /// False when the connection is closed; the work is untouched then.
    func submit(_ submission: Submission, isInline: Bool) -> Bool {
        if isInline {
            load.add(1, ordering: .relaxed)
            return run([submission]) { state, effects in
                state.sendWaiting(&effects)
                // An error in the middle of a COPY was read long before its end was sent.
                if state.mode == .copy { state.drain(&effects) }
            }
        }
        let (isAccepted, mustSchedule) = inbox.withLock { inbox in
            if inbox.isClosed { return (false, false) }
            inbox.submissions.append(submission)
            load.add(1, ordering: .relaxed)
            defer { inbox.isScheduled = true }
            return (true, !inbox.isScheduled)
        }
        if mustSchedule { Reactor.shared.schedule(self) }
        return isAccepted
    }

    // MARK: On the reactor's thread

    func sendWaiting() {
        let news = inbox.withLock { inbox in
            inbox.isScheduled = false
            return inbox.take()
        }
        take(news)
    }

    func handle(canRead: Bool, canWrite: Bool) {
        _ = run { state, effects in
            if canRead { state.receive(&effects) }
            if canWrite { state.flush(&effects) }
            // While the output was full libpq has read what came, so no event will tell of it.
            if canWrite || state.isOutputFull || state.mode == .copy { state.drain(&effects) }
            if !state.waiting.isEmpty { state.sendGathered(&effects) }
        }
    }

    private func take(_ news: [Submission]) {
        let isOpen = run(news) { state, effects in
            if !state.waiting.isEmpty { state.sendGathered(&effects) }
        }
        if !isOpen, !news.isEmpty { owner.connectionClosed(self, unsent: news) }
    }

    /// Adds work and runs a change under the mutex, and its effects after it. False when closed
    /// before.
    private func run(
        _ news: [Submission] = [],
        _ change: (inout ConnectionState, inout ConnectionState.Effects) -> Void
    ) -> Bool {
        let result = state.withLock { state -> ConnectionState.Effects? in
            if state.isClosed { return nil }
            for submission in news { state.waiting.append(submission) }
            let before = state.waiting.count + state.inFlight.count
            var effects = ConnectionState.Effects()
            change(&state, &effects)
            if let isWanted = effects.watchWriting {
                Reactor.shared.watchWriting(self, descriptor: state.descriptor, isWanted)
            }
            let after = state.waiting.count + state.inFlight.count
            if after != before { load.subtract(before - after, ordering: .relaxed) }
            headSince.store(state.headSince, ordering: .relaxed)
            return effects
        }
        guard let effects = result else { return false }
        if effects.isEmpty { return true }
        for (submission, outcome) in effects.finished { submission.finish(outcome) }
        for (channel, payload) in effects.notifications {
            owner.connectionNotified(channel: channel, payload: payload)
        }
        if effects.isLost { close() }
        return true
    }

    // MARK: Deadlines and cancelling

    func tick(_ now: UInt64) {
        let (late, isDead) = state.withLock { state -> ([Submission], Bool) in
            if state.isClosed { return ([], false) }
            var late: [Submission] = []
            state.inFlight.forEach { entry in
                guard let submission = entry.submission, submission.deadline <= now else { return }
                late.append(submission)
            }
            state.waiting.forEach { if $0.deadline <= now { late.append($0) } }
            let isSilent = state.headSince != 0 && state.headSince + silenceLimit <= now
            let ignoresCancel =
                state.cancelledAt != 0 && state.cancelledAt + 3_000_000_000 <= now
            return (late, (isSilent && !late.isEmpty) || ignoresCancel)
        }
        if isDead { return close() }
        for submission in late { owner.deadlinePassed(submission, on: self) }
    }

    /// Asks the server to stop what is running, if that is still `submission`. Only for connections
    /// with one user: a cancel hits whatever runs.
    func cancel(_ submission: Submission, _ reason: PostgresError.Code) {
        let token = state.withLock { state -> CancelToken? in
            guard !state.isClosed, state.cancelledAt == 0,
                state.inFlight.first?.submission === submission,
                let token = state.handle.cancelToken()
            else { return nil }
            state.cancelledAt = Monotonic.now()
            state.cancelReason = reason
            state.isCancelling = true
            return token
        }
        guard let token else { return }
        let started = DedicatedThread.start {
            _ = token.cancel()
            self.cancelSent()
        }
        if !started { cancelSent() }
    }

    private func cancelSent() {
        _ = run { state, effects in
            state.isCancelling = false
            if !state.held.isEmpty { state.cancelledAt = 0 }
            effects.finished += state.held
            state.held = []
        }
    }

    // MARK: The end

    /// Ends the connection and everything on it. Harmless when done before.
    func close() {
        let ended = state.withLock { state -> Ended? in
            if state.isClosed { return nil }
            state.isClosed = true
            isOpenFlag.store(false, ordering: .releasing)
            Reactor.shared.remove(self, descriptor: state.descriptor)
            defer { state.handle.close() }
            return Ended(&state)
        }
        guard let ended else { return }
        let left = inbox.withLock { inbox in
            inbox.isClosed = true
            return inbox.take()
        }
        load.store(0, ordering: .relaxed)
        headSince.store(0, ordering: .relaxed)
        for (submission, outcome) in ended.finished { submission.finish(outcome) }
        owner.connectionClosed(self, unsent: ended.unsent + left)
    }
}
