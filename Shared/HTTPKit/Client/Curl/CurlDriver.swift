import CLibcurl
import Kernel
import Synchronization

/// How the driver's work on a transfer ended.
enum CurlOutcome: Sendable {
    /// The library finished it, well or not.
    case finished(CURLcode)
    case cancelled
    case overloaded
    case shutDown
}

/// Runs prepared transfers, of whatever protocol, on one thread with one pool of connections.
///
/// Callers put transfers and cancels into an inbox and wake the thread only when it may sleep.
@safe final class CurlDriver: Sendable {
    /// Names one run, so that a late cancel cannot hit another.
    typealias RunID = Int

    struct Submission: Sendable {
        let id: RunID
        let transfer: CurlTransfer
        let caller: CheckedContinuation<CurlOutcome, Never>
    }

    /// What the thread finds when it looks.
    struct Turn {
        var arrivals: [Submission] = []
        var cancels: Set<RunID> = []
        var isStopped = false
    }

    struct Limits: Sendable {
        var connectionsPerHost: Int
        var connectionsInTotal: Int
        var underWay: Int
    }

    private struct State {
        var inbox = Turn()
        var isAwake = false
        var underWay = 0
        var lastID = 0
    }

    private let limits: Limits
    private let state = Mutex(State())
    private let multi: CurlMulti?
    private let ended = Mutex(Ended())

    private struct Ended {
        var hasEnded = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    init(_ limits: Limits) {
        self.limits = limits
        multi = CurlMulti(limits)
    }

    /// Starts the thread. When the system gives none, every run is answered with `.shutDown`.
    func start() {
        guard let multi else { return end() }
        let started = DedicatedThread.start { [self] in
            let worker = CurlWorker(driver: self, multi: multi)
            worker.run()
            end()
        }
        if !started { end() }
    }

    /// Ends all transfers; the thread goes soon after.
    func stop() {
        state.withLock { $0.inbox.isStopped = true }
        multi?.wake()
    }

    /// Returns when the thread has ended.
    func waitForEnd() async {
        await withCheckedContinuation { continuation in
            let isOver = ended.withLock { ended -> Bool in
                if !ended.hasEnded { ended.waiting.append(continuation) }
                return ended.hasEnded
            }
            if isOver { continuation.resume() }
        }
    }

    /// Runs a transfer to its end. Cancelling the task ends it early.
    func run(_ transfer: CurlTransfer) async -> CurlOutcome {
        let id = state.withLock { state -> RunID in
            state.lastID += 1
            return state.lastID
        }
        let isCancelled = CancelFlag()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { caller in
                submit(Submission(id: id, transfer: transfer, caller: caller), isCancelled)
            }
        } onCancel: {
            // First the flag, then the list: a submission that saw no flag is in the inbox before
            // its cancel is, so the thread meets them in that order.
            isCancelled.value.store(true, ordering: .sequentiallyConsistent)
            cancel(id)
        }
    }

    private final class CancelFlag: Sendable {
        let value = Atomic(false)
    }

    private func submit(_ submission: Submission, _ isCancelled: CancelFlag) {
        var mustWake = false
        let refusal = state.withLock { state -> CurlOutcome? in
            if isCancelled.value.load(ordering: .sequentiallyConsistent) { return .cancelled }
            if state.inbox.isStopped { return .shutDown }
            if state.underWay >= limits.underWay { return .overloaded }
            state.underWay += 1
            state.inbox.arrivals.append(submission)
            mustWake = !state.isAwake
            state.isAwake = true
            return nil
        }
        if let refusal { submission.caller.resume(returning: refusal) }
        if mustWake { multi?.wake() }
    }

    private func cancel(_ id: RunID) {
        let mustWake = state.withLock { state -> Bool in
            state.inbox.cancels.insert(id)
            defer { state.isAwake = true }
            return !state.isAwake
        }
        if mustWake { multi?.wake() }
    }

    private func end() {
        state.withLock { $0.inbox.isStopped = true }
        let waiting = ended.withLock { ended in
            ended.hasEnded = true
            defer { ended.waiting = [] }
            return ended.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}

// MARK: - The thread's side

extension CurlDriver {
    func takeTurn() -> Turn {
        state.withLock { state in
            var turn = Turn(isStopped: state.inbox.isStopped)
            swap(&turn.arrivals, &state.inbox.arrivals)
            swap(&turn.cancels, &state.inbox.cancels)
            state.isAwake = true
            return turn
        }
    }

    /// Whether nothing came since the last turn; from then on callers wake the thread.
    func mayFallAsleep() -> Bool {
        state.withLock { state in
            let inbox = state.inbox
            guard inbox.arrivals.isEmpty, inbox.cancels.isEmpty, !inbox.isStopped else {
                return false
            }
            state.isAwake = false
            return true
        }
    }

    /// Frees places before the callers learn, so that whoever they start next finds room.
    func release(_ count: Int) {
        state.withLock { $0.underWay -= count }
    }
}
