/// A named place in the code where a process may die, and everything must still come right.
///
/// Each service declares its own; a test kills the process at every one of them and fails when one
/// is never reached.
package struct CrashPoint: Sendable, Hashable, CustomStringConvertible {
    /// The moment, seen from the effect that could be lost or doubled.
    package enum Moment: String, Sendable, CaseIterable {
        case beforeCommit = "before_commit"
        case afterCommitBeforeReply = "after_commit_before_reply"
        case afterOutsideCallBeforeRecord = "after_outside_call_before_record"
    }

    /// What was going on, `service.operation` in lower case (`event.ingest`).
    package let operation: String
    package let moment: Moment

    package init(_ operation: String, _ moment: Moment) {
        self.operation = operation
        self.moment = moment
    }

    package var description: String { "\(operation).\(moment.rawValue)" }
}

/// Told when the code passes a crash point. Production does nothing.
package protocol FaultInjector: Sendable {
    /// Called at the point; a test's injector kills the process here and does not return.
    func reach(_ point: CrashPoint)
}

/// Lets everything pass.
package struct NoFaults: FaultInjector {
    package init() {}
    package func reach(_ point: CrashPoint) {}
}
