import Synchronization

/// An outcome that one caller awaits and anybody may bring. Ends once; what comes later is dropped.
struct Promise<Value: Sendable>: ~Copyable, Sendable {
    typealias Outcome = Result<Value, PostgresError>

    private let state = unsafe Mutex<PromiseState<Value>>(.open(nil))

    var isFinished: Bool {
        state.withLock { state in
            if case .finished = state { return true }
            return false
        }
    }

    /// Ends it and resumes the caller: never under a lock. False when it had ended before.
    @discardableResult
    func finish(_ outcome: Outcome) -> Bool {
        let (isFirst, continuation) = unsafe state.withLock {
            state -> (Bool, UnsafeContinuation<Outcome, Never>?) in
            guard case .open(let continuation) = state else { return (false, nil) }
            state = .finished(outcome)
            return unsafe (true, continuation)
        }
        unsafe continuation?.resume(returning: outcome)
        return isFirst
    }

    /// The outcome, whatever happens to the task. One caller only.
    func outcome() async -> Outcome {
        await unsafe withUnsafeContinuation { continuation in
            let finished = state.withLock { state -> Outcome? in
                if case .finished(let outcome) = state { return outcome }
                state = unsafe .open(continuation)
                return nil
            }
            if let finished { unsafe continuation.resume(returning: finished) }
        }
    }
}

/// Not nested and private: the compiler of Swift 6.3 stumbles over that beside a `Mutex`.
@safe enum PromiseState<Value: Sendable> {
    case open(UnsafeContinuation<Result<Value, PostgresError>, Never>?)
    case finished(Result<Value, PostgresError>)
}
