import Kernel
import Synchronization

/// Claims jobs from a queue and performs so many at once, until its task is cancelled.
struct SendingLoop<Job: Sendable>: Sendable {
    /// What a look into the queue found.
    struct Found: Sendable {
        let jobs: [Job]
        /// Whether another look may find more at once.
        let hasMore: Bool
    }

    /// How often a quiet queue is looked at: rows become due, and other replicas add some.
    private static var pollInterval: Duration { .seconds(1) }
    /// The least time from a look that found jobs to the next one, so that under load a look finds
    /// several.
    private static var gatherInterval: Duration { .milliseconds(10) }
    /// How often `recover` is called.
    private static var recoverInterval: Duration { .seconds(1) }

    let name: String
    let concurrency: Int
    /// How long a job may take to end after the service was told to stop.
    let patience: Duration
    let telemetry: Telemetry
    /// Raised after the commit of something new.
    let wake: WakeSignal
    /// Claims at most so many jobs.
    let claim: @Sendable (Int) async throws -> Found
    /// Takes back jobs whose lease ended, of this process or of one that died.
    let recover: @Sendable () async throws -> Void
    let perform: @Sendable (Job) async -> Void

    private final class UnderWay: Sendable {
        let count = Atomic(0)
        let ended = WakeSignal()
    }

    func run() async {
        let underWay = UnderWay()
        var backoff = Backoff()
        var recovered: ContinuousClock.Instant?
        while !Task.isCancelled {
            let (seen, seenEnded) = (wake.raises, underWay.ended.raises)
            let free = concurrency - underWay.count.load(ordering: .acquiring)
            guard free > 0 else {
                await underWay.ended.wait(past: seenEnded, within: Self.pollInterval)
                continue
            }
            do {
                let began = ContinuousClock.now
                if recovered.map({ began - $0 >= Self.recoverInterval }) ?? true {
                    try await Task { [recover] in try await recover() }.value
                    recovered = began
                }
                // Its own task, so that a shutdown does not leave claimed jobs to nobody.
                let found = try await Task { [claim] in try await claim(free) }.value
                backoff.succeed()
                for job in found.jobs { start(job, underWay) }
                if !found.jobs.isEmpty {
                    try? await Task.sleep(until: began + Self.gatherInterval)
                }
                if !found.hasMore { await wake.wait(past: seen, within: Self.pollInterval) }
            } catch {
                telemetry.logger.warning(
                    "a queue cannot be read; trying again",
                    [("queue", .text(name)), ("error", .text("\(error)"))])
                try? await Task.sleep(for: backoff.fail())
            }
        }
        await waitForEnd(underWay)
    }

    /// Not a child task: what was begun is finished although the service stops.
    private func start(_ job: Job, _ underWay: UnderWay) {
        underWay.count.add(1, ordering: .acquiringAndReleasing)
        Task {
            await perform(job)
            underWay.count.subtract(1, ordering: .acquiringAndReleasing)
            underWay.ended.raise()
        }
    }

    private func waitForEnd(_ underWay: UnderWay) async {
        let deadline = ContinuousClock.now + patience
        // Its own task: this one is cancelled and would not wait.
        await Task {
            while underWay.count.load(ordering: .acquiring) > 0, .now < deadline {
                let seen = underWay.ended.raises
                await underWay.ended.wait(past: seen, within: .milliseconds(50))
            }
        }.value
    }
}
