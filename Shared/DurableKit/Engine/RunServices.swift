import Kernel
import PostgresKit

/// What every run of an engine shares.
struct RunServices: Sendable {
    let postgres: PostgresClient
    let clock: any TimeSource
    let faults: any FaultInjector
    let points: CrashPoints
    let lease: Lease
    let timeouts: AttemptTimeouts
    let timing: WaitTiming
    let classify: @Sendable (any Error) -> FailureClass
    let meters: Meters
    let tracer: Tracer
    let steps: GroupWriter<StepWrite, RecordedStep?>
    let attempts: GroupWriter<AttemptWrite, Void>

    /// Passes a crash point; throws when the process may not go on as the owner.
    func reach(_ point: CrashPoint, _ epoch: Int64) throws(OwnershipLost) {
        faults.reach(point)
        try lease.check(epoch)
    }
}

/// What an engine counts.
struct Meters: Sendable {
    let started: Counter
    let steps: Counter
    let retries: Counter
    let flushFailures: Counter
    let leasesLost: Counter
    let takeOvers: Counter
    let resident: Gauge
    let flush: Histogram
    private let metrics: Metrics

    init(_ metrics: Metrics) {
        self.metrics = metrics
        started = metrics.counter(
            "grapevine_durable_runs_started_total", help: "Runs started by this process.")
        steps = metrics.counter(
            "grapevine_durable_steps_total", help: "Steps recorded by this process.")
        retries = metrics.counter(
            "grapevine_durable_step_retries_total",
            help: "Step attempts that failed and will be retried.")
        flushFailures = metrics.counter(
            "grapevine_durable_flush_failures_total",
            help: "Grouped writes that had to be tried again.")
        leasesLost = metrics.counter(
            "grapevine_durable_leases_lost_total", help: "Times this process lost its lease.")
        takeOvers = metrics.counter(
            "grapevine_durable_take_overs_total",
            help: "Dead workers whose runs this process put back.")
        resident = metrics.gauge(
            "grapevine_durable_runs_resident", help: "Runs in the memory of this process.")
        flush = metrics.histogram(
            "grapevine_durable_flush_seconds", help: "Time that a grouped write of steps took.")
    }

    func finished(_ state: RunState, _ count: Int = 1) {
        metrics.counter(
            "grapevine_durable_runs_finished_total", help: "Runs that ended in this process.",
            [("state", state.rawValue)]
        ).increment(by: count)
    }
}
