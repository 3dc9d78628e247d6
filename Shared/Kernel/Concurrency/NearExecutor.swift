#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Lets a task go on, after an `await`, on the I/O thread that brought the answer.
///
/// With it as a task's executor preference, an answer that a thread hands out within
/// `ContinuationBatch.deliver` wakes no other thread: the task goes on there. Everything else that
/// the task does in between (its start, child tasks, `@concurrent` functions, answers from
/// elsewhere) is on the cooperative pool, as without a preference. The rule is the pool's too: a
/// task must not block.
package final class NearExecutor: TaskExecutor {
    package static let shared = NearExecutor()

    private init() {}

    /// Runs the job in the batch that is being delivered on this thread, else on the pool.
    package func enqueue(_ job: consuming ExecutorJob) {
        if let batch = ContinuationBatch.current, batch.isDelivering {
            batch.jobs.append(UnownedJob(job))
        } else {
            globalConcurrentExecutor.enqueue(job)
        }
    }
}

/// The tasks that one I/O thread has answered and will run. Stays on the thread that made it.
package final class ContinuationBatch {
    /// After this long the thread goes back to its sockets, and the pool has the rest.
    private static let longest = Duration.milliseconds(1)

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        precondition(pthread_key_create(&key, nil) == 0, "No thread-specific data left.")
        return key
    }()

    fileprivate static var current: ContinuationBatch? {
        guard let place = pthread_getspecific(key) else { return nil }
        return Unmanaged<ContinuationBatch>.fromOpaque(place).takeUnretainedValue()
    }

    fileprivate var jobs: [UnownedJob] = []
    fileprivate var isDelivering = false

    /// The batch of the calling thread, which must not end.
    package init() {
        pthread_setspecific(Self.key, Unmanaged.passRetained(self).toOpaque())
    }

    /// Hands out answers: the tasks that `body` resumes run here, but not before it returns.
    package func deliver(_ body: () -> Void) {
        isDelivering = true
        body()
        isDelivering = false
        guard !jobs.isEmpty else { return }
        let end = ContinuousClock.now + Self.longest
        let executor = NearExecutor.shared.asUnownedTaskExecutor()
        for (index, job) in jobs.enumerated() {
            job.runSynchronously(on: executor)
            if ContinuousClock.now > end, index + 1 < jobs.count {
                for job in jobs[(index + 1)...] { globalConcurrentExecutor.enqueue(job) }
                break
            }
        }
        jobs.removeAll(keepingCapacity: true)
    }
}
