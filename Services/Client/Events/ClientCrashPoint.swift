import Contracts
import Kernel
import MessagingKit

/// Where client-service may die and everything must still come right.
enum ClientCrashPoint {
    /// A change, its message and its audit entry are written and not committed.
    static let changeBeforeCommit = CrashPoint("client.change", .beforeCommit)
    /// A change is committed; neither the log nor the caller knows.
    static let changeAfterCommit = CrashPoint("client.change", .afterCommitBeforeReply)

    static let all = [changeBeforeCommit, changeAfterCommit] + MessagingCrashPoints.all(.client)
}
