import Contracts
import Kernel
import MessagingKit

/// Where notification-service may die and everything must still come right.
enum NotificationCrashPoint {
    /// The participant was looked up and nothing is stored: asking again does no harm.
    static let sendAfterLookUp = CrashPoint(
        "notification.send", .afterOutsideCallBeforeRecord)
    /// A message is rendered and about to be written.
    static let sendBeforeCommit = CrashPoint("notification.send", .beforeCommit)
    /// A message is stored and nobody was told: the same key gives it again.
    static let sendAfterCommit = CrashPoint("notification.send", .afterCommitBeforeReply)
    /// An attempt is begun and the server was not called: counted as unknown, sent again.
    static let mailClaimed = CrashPoint("notification.mail", .afterCommitBeforeReply)
    /// The server took a message and nothing tells so: counted as unknown, sent again.
    static let mailAfterCall = CrashPoint("notification.mail", .afterOutsideCallBeforeRecord)
    /// A receiver took a delivery and nothing tells so: counted as unknown, delivered again.
    static let webhookAfterCall = CrashPoint(
        "notification.webhook", .afterOutsideCallBeforeRecord)

    static let all =
        [
            sendAfterLookUp, sendBeforeCommit, sendAfterCommit, mailClaimed, mailAfterCall,
            webhookAfterCall,
        ] + MessagingCrashPoints.all(.notification)
}
