import Kernel

/// Thrown by a step's body: trying again cannot help. The step fails at once.
package struct PermanentFailure: Error, Sendable, Hashable {
    /// A stable slug.
    package let code: String
    /// A sentence for operators; no personal data.
    package let detail: String

    package init(code: String, detail: String) {
        self.code = code
        self.detail = detail
    }
}

/// A step ended without a result: a permanent failure, or its retries are used up.
///
/// Recorded, so a replay meets the same failure. A workflow may catch it and go another way.
package struct StepFailure: Error, Sendable, Hashable {
    /// The step's name, with its occurrence.
    package let step: String
    package let failure: RunFailure
}

/// The run leaves memory: it sleeps, moves to another process, was cancelled or is no longer ours.
///
/// Let it pass. A workflow that swallows it gets it again from its next step.
package struct WorkflowInterrupted: Error, Sendable, Hashable {}

/// What an engine refuses.
package struct DurableError: Error, Sendable, Hashable {
    /// What is wrong; open for more.
    package struct Code: Sendable, Hashable, RawRepresentable {
        package let rawValue: String

        package init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// An input or a key beyond its bound.
        package static let tooLarge = Code(rawValue: "too_large")
        /// An input that cannot be written as JSON.
        package static let notEncodable = Code(rawValue: "not_encodable")
        /// No such run.
        package static let unknownRun = Code(rawValue: "unknown_run")
        /// The run is not in a state in which this can be done.
        package static let wrongState = Code(rawValue: "wrong_state")
        /// The run kept moving between workers; try again.
        package static let contended = Code(rawValue: "contended")
    }

    package let code: Code

    package init(_ code: Code) {
        self.code = code
    }
}

/// What a failed attempt means.
package enum FailureClass: Sendable, Hashable {
    /// May work later, not before the given delay.
    case transient(RunFailure, after: Duration?)
    case permanent(RunFailure)

    /// The engine's own reading: `PermanentFailure` and problems with a status below 500 are
    /// permanent, but 408, 425, 429 and a 409 that says when to come back; everything else may
    /// pass.
    package static func standard(_ error: any Error) -> FailureClass {
        switch error {
        case let error as PermanentFailure:
            return .permanent(RunFailure(code: error.code, detail: error.detail))
        case let problem as Problem:
            let failure = RunFailure(code: problem.code, detail: problem.detail)
            let passing =
                problem.status >= 500 || [408, 425, 429].contains(problem.status)
                || (problem.status == 409 && problem.retryAfter != nil)
            return passing ? .transient(failure, after: problem.retryAfter) : .permanent(failure)
        default:
            let code = "\(type(of: error))"
            return .transient(RunFailure(code: code, detail: String(describing: error)), after: nil)
        }
    }
}

/// An attempt took longer than its policy allows.
struct AttemptTimeout: Error, CustomStringConvertible {
    var description: String { "The attempt took longer than it may." }
}

/// This process no longer owns the run.
struct OwnershipLost: Error {}
