import Contracts
import Kernel
import MessagingKit

/// Where reward-service may die and everything must still come right.
enum RewardCrashPoint {
    /// The participant was looked up and nothing is recorded: asking again does no harm.
    static let checkAfterLookUp = CrashPoint("reward.check", .afterOutsideCallBeforeRecord)
    /// A decision is written and not committed.
    static let checkBeforeCommit = CrashPoint("reward.check", .beforeCommit)
    /// A decision is stored and nobody was told: the same key gives it again.
    static let checkAfterCommit = CrashPoint("reward.check", .afterCommitBeforeReply)
    /// What is given or handed over is decided, and nothing of it committed.
    static let grantBeforeCommit = CrashPoint("reward.grant", .beforeCommit)
    /// Rewards are given or handed over and nobody was told: asking again finds them.
    static let grantAfterCommit = CrashPoint("reward.grant", .afterCommitBeforeReply)

    static let allocateBeforeCommit = CrashPoint("reward.allocate", .beforeCommit)
    /// A reward exists and nobody was told: the same grant gives it again.
    static let allocateAfterCommit = CrashPoint("reward.allocate", .afterCommitBeforeReply)
    /// A reward is moved to the participant's account and not committed.
    static let fulfilBeforeCommit = CrashPoint("reward.fulfil", .beforeCommit)
    /// A reward is handed over and nobody was told: doing it again changes nothing.
    static let fulfilAfterCommit = CrashPoint("reward.fulfil", .afterCommitBeforeReply)

    static let all =
        [
            checkAfterLookUp, checkBeforeCommit, checkAfterCommit, grantBeforeCommit,
            grantAfterCommit,
        ] + MessagingCrashPoints.all(.reward)
}
