package import Kernel

/// Where an engine may die, for the crash tests of the service that runs it.
package enum DurableCrashPoints {
    /// Every point that an engine with this prefix passes (`workflow` gives `workflow.step`, …).
    package static func all(prefix: String) -> [CrashPoint] {
        let points = CrashPoints(prefix: prefix)
        return [
            points.stepAfterBody, points.stepBeforeCommit, points.finishBeforeCommit,
            points.finishAfterCommit, points.claimAfterCommit,
        ]
    }
}

/// The points of one engine, built once.
struct CrashPoints: Sendable {
    let stepAfterBody: CrashPoint
    let stepBeforeCommit: CrashPoint
    let finishBeforeCommit: CrashPoint
    let finishAfterCommit: CrashPoint
    let claimAfterCommit: CrashPoint

    init(prefix: String) {
        stepAfterBody = CrashPoint("\(prefix).step", .afterOutsideCallBeforeRecord)
        stepBeforeCommit = CrashPoint("\(prefix).step", .beforeCommit)
        finishBeforeCommit = CrashPoint("\(prefix).finish", .beforeCommit)
        finishAfterCommit = CrashPoint("\(prefix).finish", .afterCommitBeforeReply)
        claimAfterCommit = CrashPoint("\(prefix).claim", .afterCommitBeforeReply)
    }
}
