import Kernel

/// Where analytics-service may die and everything must still come right.
enum AnalyticsCrashPoint {
    /// A batch is written and not committed: it is cut again, perhaps elsewhere.
    static let cutBeforeCommit = CrashPoint("analytics.cut", .beforeCommit)
    /// A batch is committed and nothing was sent.
    static let cutAfterCommit = CrashPoint("analytics.cut", .afterCommitBeforeReply)
    /// ClickHouse has the rows and nobody wrote that down.
    static let inserted = CrashPoint("analytics.insert", .afterOutsideCallBeforeRecord)
    /// The batch is marked and the cursor moved, not committed.
    static let doneBeforeCommit = CrashPoint("analytics.done", .beforeCommit)

    static let all = [cutBeforeCommit, cutAfterCommit, inserted, doneBeforeCommit]
}
