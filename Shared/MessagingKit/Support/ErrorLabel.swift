import Kernel
import PostgresKit

extension Error {
    /// What may stand in a log line about this error: its kind and codes, never data.
    var label: String {
        switch self as any Error {
        case let error as PostgresError: error.description
        case let error as Problem: "Problem \(error.status) \(error.code)"
        case LogError.refused(let code, _): "the log refused: \(code)"
        case LogError.unavailable(let reason, _): "the log is unavailable: \(reason)"
        case LogError.unreadable(let page): "event \(page.position) is unreadable: \(page.reason)"
        default: String(describing: type(of: self))
        }
    }
}
