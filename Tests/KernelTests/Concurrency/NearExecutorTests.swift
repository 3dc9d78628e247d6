import Glibc
import Kernel
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct NearExecutorTests {
    @Test func `a task goes on where its answer was handed out`() async {
        let desk = Desk()
        let task = desk.asking { Desk.thread }
        let thread = await desk.answer([task])
        #expect(await task.value == thread)
    }

    @Test func `nothing runs before all answers are handed out`() async {
        let desk = Desk()
        let handedOut = Atomic(false)
        let tasks = (0..<5).map { _ in desk.asking { handedOut.load(ordering: .relaxed) ? 1 : 0 } }
        _ = await desk.answer(tasks) { handedOut.store(true, ordering: .relaxed) }
        for task in tasks { #expect(await task.value == 1) }
    }

    @Test func `children and later answers are the pool's`() async {
        let desk = Desk()
        let task = desk.asking {
            async let child = Desk.thread
            try? await Task.sleep(for: .milliseconds(1))
            return await child == Desk.thread ? 0 : Desk.thread
        }
        let thread = await desk.answer([task])
        #expect(await task.value != thread)
    }

    @Test func `a task that takes long leaves the others to the pool`() async {
        let desk = Desk()
        let slow = desk.asking {
            usleep(20_000)
            return Desk.thread
        }
        await desk.waits(1)
        let other = desk.asking { Desk.thread }
        let thread = await desk.answer([slow, other])
        #expect(await slow.value == thread)
        #expect(await other.value != thread)
    }

    @Test func `answers of other threads are the pool's`() async {
        let desk = Desk()
        let task = desk.asking { Desk.thread }
        let thread = await desk.answer([task], asBatch: false)
        #expect(await task.value != thread)
    }
}

/// Tasks that wait, and a thread that brings their answers.
private final class Desk: Sendable {
    private let waiting = Mutex<[CheckedContinuation<Void, Never>]>([])

    static var thread: UInt { UInt(pthread_self()) }

    /// A task that waits for its answer and then does some work.
    func asking(_ work: @escaping @Sendable () async -> UInt) -> Task<UInt, Never> {
        Task(executorPreference: NearExecutor.shared) { [self] in
            await withCheckedContinuation { continuation in
                waiting.withLock { $0.append(continuation) }
            }
            return await work()
        }
    }

    /// Until so many tasks wait.
    func waits(_ count: Int) async {
        while waiting.withLock({ $0.count }) < count { await Task.yield() }
    }

    /// Answers these tasks, in the order in which they asked, from a thread of its own. Which one.
    func answer(
        _ tasks: [Task<UInt, Never>], asBatch: Bool = true,
        last: @escaping @Sendable () -> Void = {}
    ) async -> UInt {
        await waits(tasks.count)
        let thread = Mutex<UInt>(0)
        await DedicatedThread.run { [self] in
            thread.withLock { $0 = Self.thread }
            let all = waiting.withLock { $0 }
            let hand: () -> Void = {
                for continuation in all { continuation.resume() }
                last()
            }
            if asBatch { ContinuationBatch().deliver(hand) } else { hand() }
        }
        return thread.withLock { $0 }
    }
}
