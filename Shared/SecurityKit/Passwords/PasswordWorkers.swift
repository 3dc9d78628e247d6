import Dispatch
import Synchronization

/// Threads of their own for work that would hold up the cooperative pool.
///
/// At most `workers.count` computations run and `waitingLimit` wait; more are refused, because a
/// flood of sign-ins must cost neither all memory nor all processors.
final class PasswordWorkers: Sendable {
    static let shared = PasswordWorkers(count: 2, waitingLimit: 64)

    private let workers: [DispatchQueue]
    private let waitingLimit: Int
    private let loads: Mutex<[Int]>

    init(count: Int, waitingLimit: Int) {
        workers = (0..<count).map { DispatchQueue(label: "grapevine.password.\($0)") }
        self.waitingLimit = waitingLimit
        loads = Mutex([Int](repeating: 0, count: count))
    }

    /// Computations that run or wait.
    var load: Int { loads.withLock { $0.reduce(0, +) } }

    /// Runs `work` on the least loaded thread. Throws `.busy` when too many wait.
    func run<Value: Sendable>(
        _ work: @escaping @Sendable () -> Value
    ) async throws(SecurityError) -> Value {
        guard let worker = reserve() else { throw .busy }
        return await withCheckedContinuation { continuation in
            workers[worker].async { [self] in
                let value = work()
                loads.withLock { $0[worker] -= 1 }
                continuation.resume(returning: value)
            }
        }
    }

    private func reserve() -> Int? {
        loads.withLock { loads in
            guard loads.reduce(0, +) < loads.count + waitingLimit,
                let worker = loads.indices.min(by: { loads[$0] < loads[$1] })
            else { return nil }
            loads[worker] += 1
            return worker
        }
    }
}
