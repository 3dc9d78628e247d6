import Kernel
import PostgresKit

/// What a step came to.
enum StepResult: Sendable {
    /// JSON.
    case value([UInt8])
    case failure(RunFailure)

    /// The columns it takes.
    var bytes: [UInt8] { if case .value(let bytes) = self { bytes } else { [] } }
    var failure: RunFailure? { if case .failure(let failure) = self { failure } else { nil } }
}

/// A step as it is recorded.
struct RecordedStep: Sendable {
    let name: String
    /// Kind and type of the result.
    let type: String
    let result: StepResult
}

extension RecordedStep: RowDecodable {
    init(row: Row) throws(PostgresError) {
        name = try row.get("name")
        type = try row.get("type")
        if let code: String = try row.get("failure_code") {
            let detail: String? = try row.get("failure_detail")
            result = .failure(RunFailure(code: code, detail: detail ?? ""))
        } else {
            result = .value(try row.get("result"))
        }
    }
}

/// How a step has failed so far.
struct RecordedAttempts: Sendable, RowDecodable {
    let name: String
    let failures: Int
    let firstFailedAt: Timestamp
    let nextAttemptAt: Timestamp
    let failure: RunFailure

    init(
        name: String, failures: Int, firstFailedAt: Timestamp, nextAttemptAt: Timestamp,
        failure: RunFailure
    ) {
        self.name = name
        self.failures = failures
        self.firstFailedAt = firstFailedAt
        self.nextAttemptAt = nextAttemptAt
        self.failure = failure
    }

    init(row: Row) throws(PostgresError) {
        name = try row.get("name")
        failures = Int(try row.get("failures", as: Int32.self))
        firstFailedAt = try row.get("first_failed_at")
        nextAttemptAt = try row.get("next_attempt_at")
        failure = RunFailure(code: try row.get("code"), detail: try row.get("detail"))
    }
}

/// All that is recorded of a run that is taken up again.
struct Memory: Sendable {
    var steps: [String: RecordedStep] = [:]
    var attempts: [String: RecordedAttempts] = [:]
}

/// A run as a worker claimed it.
struct ClaimedRun: Sendable {
    let runID: RunID
    let clientID: ClientID?
    let workflow: String
    let version: Int
    let key: String
    let input: [UInt8]
    let clockOffset: Duration
    let traceparent: String
    let businessStartedAt: Timestamp
    let execution: Int
    let crashes: Int
    let epoch: Int64

    /// One ownership of one run.
    var ownership: Ownership { Ownership(runID: runID, execution: execution, epoch: epoch) }
}

/// One ownership of one run: what every write of it must still hold.
struct Ownership: Sendable, Hashable {
    let runID: RunID
    let execution: Int
    let epoch: Int64
}

extension ClaimedRun {
    /// A run that its own starter takes, for the first time.
    init(_ start: StartWrite, at time: Timestamp, epoch: Int64) {
        runID = start.runID
        clientID = start.key.clientID
        workflow = start.workflow
        version = start.version
        key = start.key.name
        input = start.input
        clockOffset = start.clockOffset
        traceparent = start.traceparent
        businessStartedAt = time + start.clockOffset
        execution = 1
        crashes = 0
        self.epoch = epoch
    }

    init(row: Row, epoch: Int64) throws(PostgresError) {
        runID = try row.get("run_id")
        clientID = TenantColumn.client(try row.get("client_id"))
        workflow = try row.get("workflow")
        version = Int(try row.get("version", as: Int32.self))
        key = try row.get("key")
        input = try row.get("input")
        clockOffset = try row.get("clock_offset_microseconds")
        traceparent = try row.get("traceparent")
        businessStartedAt = try row.get("business_started_at")
        execution = Int(try row.get("execution", as: Int32.self))
        crashes = Int(try row.get("crashes", as: Int32.self))
        self.epoch = epoch
    }
}
