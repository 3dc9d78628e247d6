import Contracts
import HTTPKit
import Kernel

/// The one mapping of this service's failures to what callers see.
extension ClientFailure: ProblemConvertible {
    var problem: Problem {
        switch self {
        case .clientNotFound: .notFound("client")
        case .keyNotFound: .notFound("key")
        case .memberNotFound: .notFound("member")
        case .participantNotFound: .notFound("participant")
        case .illegalTransition(let from, let to):
            .conflict(
                "illegal_transition",
                "A client that is \(from.rawValue) cannot become \(to.rawValue).")
        case .closed:
            .conflict("client_closed", "The client is closed; nothing of it can be changed.")
        case .notInTestMode:
            .conflict(
                "not_in_test_mode", "Only the clock of a client in test mode can be moved.")
        case .clockGoesBack(let from):
            .conflict(
                "clock_goes_back",
                "The clock is \(from) milliseconds ahead already; it moves forward only.")
        case .tooManyKeys(let limit):
            .conflict(
                "too_many_keys", "The client has \(limit) keys in use. Revoke one of them first.")
        case .tooManyMembers(let limit):
            .conflict(
                "too_many_members", "The client has \(limit) members. Remove one of them first.")
        case .memberExists:
            .conflict("member_exists", "The client has a member with this e-mail address.")
        case .clockTooFar:
            .conflict(
                "clock_too_far",
                "A clock runs at most \(Client.maximumOffsetMilliseconds) milliseconds ahead.")
        case .scopeExceeded:
            .forbidden(
                "scope_exceeded",
                "A credential with scopes creates only keys with some of the same scopes.")
        }
    }
}
