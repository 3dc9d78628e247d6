import Kernel
import PostgresKit

extension WorkflowEngine {
    /// Beats, and begins a new epoch whenever there is none.
    func keepLease() async {
        while !Task.isCancelled, !lease.isHalted {
            do {
                try await withPostgresDeadline(.now + configuration.heartbeat * 2) {
                    try await beat()
                }
            } catch {
                logger.warning(
                    "A heartbeat of the durable worker failed",
                    [("error", .text(String(describing: error)))])
            }
            if lease.hasRunOut { loseLease() }
            try? await Task.sleep(
                for: lease.epoch == nil ? .milliseconds(200) : configuration.heartbeat)
        }
    }

    private func beat() async throws {
        // The lease counts from before the call, so this side never believes in it longer than the
        // database does.
        let begun = ContinuousClock.now
        guard let epoch = lease.epoch else {
            // Nothing when the epoch has ended in order.
            loseLease()
            return try await register(begun)
        }
        guard try await WorkerStore.beat(epoch, lease: configuration.lease, on: postgres) else {
            return loseLease()
        }
        lease.extend(epoch, validUntil: begun + configuration.selfFence)
        let ownerships = residents.ownerships
        if !ownerships.isEmpty {
            residents.interrupt(try await QueueStore.lost(ownerships, on: postgres), .lost)
        }
    }

    private func register(_ begun: ContinuousClock.Instant) async throws {
        let epoch = try await WorkerStore.register(
            name: configuration.workerName, lease: configuration.lease,
            retiring: lease.previous, on: postgres)
        lease.begin(epoch: epoch, validUntil: begun + configuration.selfFence)
        signal.send([.work, .tick])
    }

    /// Any process puts back the runs of any dead one.
    func takeOver(as epoch: Int64) async throws {
        while try await WorkerStore.takeOver(as: epoch, on: postgres) {
            meters.takeOvers.increment()
            logger.notice("Took over the runs of a worker whose lease ran out")
            signal.send(.work)
        }
    }

    /// Stops everything that ran under the epoch; its runs are handed back with the next
    /// registration.
    func loseLease() {
        guard lease.end() else { return }
        meters.leasesLost.increment()
        logger.error("The durable worker lost its lease and stops its runs")
        residents.interruptAll(.lost)
    }
}
