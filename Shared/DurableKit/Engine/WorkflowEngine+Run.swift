import Kernel
import PostgresKit
import Synchronization

extension WorkflowEngine {
    /// Works until the task is cancelled or `drain()` is called; then hands its runs to the other
    /// processes and returns. Once per engine.
    package func run() async {
        let work = Task.detached { [self] in await workUntilStopped() }
        state.withLock { $0.work = work }
        await withTaskCancellationHandler {
            await work.value
        } onCancel: {
            stop()
        }
    }

    /// Stops claiming, lets running steps finish (`drainLimit`) and hands every run back at once.
    package func drain() async {
        stop()
        await state.withLock { $0.work }?.value
    }

    /// Stops as a killed process does: nothing more is written, nothing is handed back. For tests.
    package func halt() {
        lease.halt()
        residents.interruptAll(.lost)
        stop()
    }

    private func stop() {
        let loops = state.withLock { state in
            state.isStopping = true
            return state.loops
        }
        loops?.cancel()
    }

    private func workUntilStopped() async {
        let keeper = Task.detached { [self] in await keepLease() }
        let loops = Task.detached { [self] in
            await withDiscardingTaskGroup { group in
                group.addTask { [self] in await dispatch() }
                group.addTask { [self] in await tick() }
                group.addTask { [self] in await watch() }
            }
        }
        let isStopping = state.withLock { state in
            state.loops = loops
            return state.isStopping
        }
        if isStopping { loops.cancel() }
        await loops.value
        await handBack()
        keeper.cancel()
        await keeper.value
        await retire()
    }

    /// The lease is kept meanwhile.
    private func handBack() async {
        residents.interruptAll(lease.isHalted ? .lost : .draining)
        await residents.waitUntilEmpty(within: lease.isHalted ? .zero : configuration.drainLimit)
        residents.cancelAll()
        await residents.waitUntilEmpty(within: .seconds(1))
    }

    private func retire() async {
        guard !lease.isHalted else { return }
        _ = lease.end()
        guard let epoch = lease.previous else { return }
        do {
            try await withPostgresDeadline(.now + .seconds(2)) {
                try await WorkerStore.retire(epoch, on: postgres)
            }
        } catch {
            // Another process takes the runs over when the lease runs out.
            logger.warning(
                "Runs could not be handed back", [("error", .text(String(describing: error)))])
        }
    }

    // MARK: - Loops

    private func tick() async {
        let range = configuration.pollInterval
        let (low, high) = (range.lowerBound.wholeMicroseconds, range.upperBound.wholeMicroseconds)
        while !Task.isCancelled {
            try? await Task.sleep(for: .microseconds(Int64.random(in: low...high)))
            signal.send(.tick)
        }
    }

    /// Ends attempts that take too long, and everything when the lease ran out unrenewed.
    private func watch() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(residents.count > 0 ? 100 : 250))
            services.timeouts.sweep()
            if lease.hasRunOut { loseLease() }
        }
    }

    private func dispatch() async {
        var isUncertain = false
        for await _ in signal.stream {
            guard !Task.isCancelled else { return }
            guard let epoch = lease.epoch else { continue }
            let causes = signal.take()
            do {
                if isUncertain {
                    let known = residents.ownerships.map(\.runID) + taken.runs
                    try await QueueStore.putBack(except: known, epoch: epoch, on: postgres)
                    isUncertain = false
                }
                var isReady = causes.contains(.work)
                if causes.contains(.tick) {
                    let probe = try await QueueStore.probe(
                        at: world.clock.now(), epoch: epoch, on: postgres)
                    if probe.hasExpired { try await takeOver(as: epoch) }
                    if probe.isDue { try await promote() }
                    try await launchOverdue()
                    isReady = isReady || probe.isReady || probe.isDue
                }
                if isReady { try await claim(epoch) }
            } catch {
                // A claim may have happened although its answer was lost.
                isUncertain = true
                logger.warning(
                    "Durable runs could not be claimed",
                    [("error", .text(String(describing: error)))])
                try? await Task.sleep(for: .milliseconds(100))
            }
        }
    }

    private func promote() async throws {
        let limit = 256
        while try await QueueStore.promote(at: world.clock.now(), limit: limit, on: postgres)
            == limit
        {}
    }

    private func claim(_ epoch: Int64) async throws {
        let workflows = state.withLock { $0.workflows.mapValues(\.version) }
        while !workflows.isEmpty, !Task.isCancelled {
            let limit = min(residents.free, configuration.claimLimit)
            guard limit > 0 else { return residents.noteBacklog(true) }
            let runs = try await QueueStore.claim(
                limit, epoch: epoch, workflows: workflows, on: postgres)
            world.faults.reach(services.points.claimAfterCommit)
            try lease.check(epoch)
            for run in runs { launch(run) }
            residents.noteBacklog(runs.count == limit)
            if runs.count < limit { return }
        }
    }
}
