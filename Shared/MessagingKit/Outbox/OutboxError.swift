import HTTPKit
package import Kernel

/// Why a message is not in the log.
package enum OutboxError: Error, Sendable, Hashable {
    /// It has no proper id or type; a mistake in the program.
    case invalidMessage(type: String)
    /// Not in time. It is committed and will be sent.
    case notRelayed
    /// The log will never take it; it is in `messaging_dead_letter`.
    case refused(id: String, reason: String)
}

extension OutboxError: ProblemConvertible {
    package var problem: Problem {
        switch self {
        case .notRelayed:
            .unavailable(
                "change_not_announced",
                "The change is stored, but the other services do not know of it yet. "
                    + "Repeat the request to be sure that they do.")
        case .invalidMessage, .refused: .internalError
        }
    }
}
