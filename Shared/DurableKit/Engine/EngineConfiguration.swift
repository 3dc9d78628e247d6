import Kernel

/// The bounds of an engine. The defaults suit one service replica.
package struct EngineConfiguration: Sendable {
    /// Begins the names of the crash points: `workflow` gives `workflow.step`.
    package var crashPointPrefix: String
    /// Shown in the worker's row; need not be unique.
    package var workerName: String
    /// Most runs that do something at a time.
    package var slots = 256
    /// Most runs in memory, those that only wait included.
    package var residentLimit = 4096
    /// Most runs that one claim takes.
    package var claimLimit = 256
    /// How long the database believes in this process after a heartbeat.
    package var lease: Duration = .seconds(5)
    /// How often the process beats.
    package var heartbeat: Duration = .seconds(1)
    /// After so long without a good heartbeat, on its own monotonic clock, the process stops its
    /// runs. Shorter than the lease.
    package var selfFence: Duration = .seconds(4)
    /// How often the queue and the timers are looked at when nothing wakes the engine; jittered.
    package var pollInterval: ClosedRange<Duration> = .milliseconds(250) ... .milliseconds(500)
    /// Waits at least this long leave memory.
    package var sleepThreshold: Duration = .seconds(30)
    /// How long a run must have been still before it leaves memory.
    package var quietPeriod: Duration = .milliseconds(100)
    /// How long running steps may take to finish when the process stops.
    package var drainLimit: Duration = .seconds(8)
    /// After so many deaths of its worker a run is set aside.
    package var crashLimit = 10
    /// What a failed attempt means.
    package var classify: @Sendable (any Error) -> FailureClass = { FailureClass.standard($0) }

    package init(crashPointPrefix: String = "durable", workerName: String = "worker") {
        self.crashPointPrefix = crashPointPrefix
        self.workerName = workerName
    }
}
