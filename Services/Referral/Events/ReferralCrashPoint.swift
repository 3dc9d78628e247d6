import Contracts
import Kernel
import MessagingKit

/// Where referral-service may die and everything must still come right.
enum ReferralCrashPoint {
    /// A link is drawn and about to be written.
    static let linkBeforeCommit = CrashPoint("referral.link", .beforeCommit)
    /// A link exists and nobody was told: asking again gives the same one.
    static let linkAfterCommit = CrashPoint("referral.link", .afterCommitBeforeReply)
    /// A click is about to be written: the visitor sees an error and tries again.
    static let clickBeforeCommit = CrashPoint("referral.click", .beforeCommit)
    /// A click is recorded and the visitor not sent on: the next try is another click.
    static let clickAfterCommit = CrashPoint("referral.click", .afterCommitBeforeReply)
    /// A decision is made; it, and its conversion if it counts, are about to be written.
    static let conversionBeforeCommit = CrashPoint("referral.conversion", .beforeCommit)
    /// A decision is stored and nobody was told: the same key gives it again.
    static let conversionAfterCommit = CrashPoint("referral.conversion", .afterCommitBeforeReply)

    static let all =
        [
            linkBeforeCommit, linkAfterCommit, clickBeforeCommit, clickAfterCommit,
            conversionBeforeCommit, conversionAfterCommit,
        ] + MessagingCrashPoints.all(.referral)
}
