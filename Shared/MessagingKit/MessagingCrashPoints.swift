package import Contracts
package import Kernel

/// Where the kit may die in a service; a service adds them to the ones it declares.
package enum MessagingCrashPoints {
    /// The log took a batch of messages and the outbox still has them.
    package static func relay(_ service: ServiceName) -> CrashPoint {
        CrashPoint("\(service.rawValue).relay", .afterOutsideCallBeforeRecord)
    }

    /// Events were applied and the cursor moved, not yet committed.
    package static func applied(_ service: ServiceName) -> CrashPoint {
        CrashPoint("\(service.rawValue).subscriber", .beforeCommit)
    }

    /// Events are committed, and the log has not been told.
    package static func committed(_ service: ServiceName) -> CrashPoint {
        CrashPoint("\(service.rawValue).subscriber", .afterCommitBeforeReply)
    }

    /// All points of a service that publishes and subscribes.
    package static func all(_ service: ServiceName) -> [CrashPoint] {
        [relay(service), applied(service), committed(service)]
    }
}
