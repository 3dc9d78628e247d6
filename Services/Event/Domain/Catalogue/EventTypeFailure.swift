import HTTPKit
import Kernel

/// Why a change of event types is refused.
enum EventTypeFailure: Error, Sendable {
    case unknown
    case exists(String)
    case inCatalogue(String)
    case tooMany(Int)
}

extension EventTypeFailure: ProblemConvertible {
    var problem: Problem {
        switch self {
        case .unknown: .notFound("event type")
        case .exists(let name):
            .conflict("event_type_exists", "There is an event type '\(name)' already.")
        case .inCatalogue(let name):
            .conflict(
                "event_type_in_catalogue",
                "'\(name)' is a type that every client has; it cannot be changed.")
        case .tooMany(let limit):
            .conflict(
                "too_many_event_types",
                "A client has at most \(limit) event types of its own.")
        }
    }
}
