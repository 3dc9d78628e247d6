import Kernel

/// Where event-service may die and everything must still come right.
enum EventCrashPoint {
    /// A batch is about to be written and committed: nobody was told, nothing is there.
    static let appendBeforeCommit = CrashPoint("event.append", .beforeCommit)
    /// A batch is committed and nobody was told: senders repeat it and get duplicates.
    static let appendAfterCommit = CrashPoint("event.append", .afterCommitBeforeReply)

    static let all = [appendBeforeCommit, appendAfterCommit]
}
