package import Kernel

/// A durable piece of work, written as an ordinary async function.
///
/// Every effect goes through a named step of the context. After a crash the function runs again
/// from the top; steps that are recorded answer from the record. So between steps do nothing but
/// decide, and decide only on the input and on what steps returned.
package protocol Workflow: Sendable {
    /// What the run is told at its start. Kept as JSON, at most 1 MiB.
    associatedtype Input: Codable & Sendable
    /// What the run comes to. Kept as JSON, at most 1 MiB.
    associatedtype Output: Codable & Sendable

    /// The stable name that runs are stored under; never reused for something else.
    static var name: String { get }

    /// Grows when the code changes in a way that running runs must notice; a process claims runs up
    /// to its own version only, so an old replica leaves new runs to new replicas.
    static var version: Int { get }

    /// The work. Let errors of the context pass: a `catch` may handle `StepFailure`, nothing else.
    ///
    /// A `StepFailure` or `PermanentFailure` that leaves this function ends the run as failed.
    func run(_ context: WorkflowContext, _ input: Input) async throws -> Output
}

extension Workflow {
    package static var version: Int { 1 }
}

/// What makes a run the only one of its kind: at most one run per client, workflow and name, ever.
package struct WorkflowKey: Sendable, Hashable {
    /// Nil for a run of the platform itself.
    package let clientID: ClientID?
    /// Any text of 1 to 300 bytes, such as campaign and subject.
    package let name: String

    package init(clientID: ClientID?, name: String) {
        self.clientID = clientID
        self.name = name
    }
}

/// What came of a start.
package enum StartResult: Sendable, Hashable {
    /// A new run.
    case started(RunID)
    /// The key had its run already; nothing was changed.
    case exists(RunID)

    /// The run of the key, new or not.
    package var runID: RunID {
        switch self {
        case .started(let id), .exists(let id): id
        }
    }
}

/// Why a run or a step did not come to a result.
package struct RunFailure: Sendable, Hashable {
    /// A stable slug.
    package let code: String
    /// A sentence for operators, at most 1,000 characters.
    package let detail: String

    package init(code: String, detail: String) {
        self.code = code
        self.detail = String(detail.prefix(1000))
    }
}

/// Where a run stands.
package enum RunState: String, Sendable, Hashable, CaseIterable {
    /// Waiting for a worker.
    case ready
    /// In the memory of a worker.
    case running
    /// Asleep until a due time.
    case sleeping
    case completed
    /// Ended by a failure; may be retried.
    case failed
    /// Stopped because its code and its record contradict each other; may be retried after a fix.
    case attention
    case cancelled

    /// Whether nothing more happens by itself.
    package var isFinal: Bool {
        switch self {
        case .ready, .running, .sleeping: false
        case .completed, .failed, .attention, .cancelled: true
        }
    }
}

/// A run at its end, as the finish hook sees it.
package struct FinishedRun: Sendable {
    package let runID: RunID
    package let clientID: ClientID?
    package let workflow: String
    /// The name in the run's `WorkflowKey`.
    package let key: String
    /// JSON, as given at the start.
    package let input: [UInt8]
    package let state: RunState
    /// JSON; empty unless completed.
    package let output: [UInt8]
    /// Set when failed or in need of attention.
    package let failure: RunFailure?
    /// On the system clock.
    package let finishedAt: Timestamp
    /// How far the client's business clock was ahead of it when the run was taken up.
    package let clockOffset: Duration
    /// The trace that the run belongs to.
    package let traceparent: String
}
