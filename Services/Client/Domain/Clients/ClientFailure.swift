import Contracts
import Kernel

/// Why a client, a key or a participant could not be had or changed.
enum ClientFailure: Error, Sendable, Hashable {
    case clientNotFound
    case keyNotFound
    case memberNotFound
    case participantNotFound
    case illegalTransition(from: ClientStatus, to: ClientStatus)
    /// Nothing more happens to a closed client.
    case closed
    case notInTestMode
    case clockGoesBack(from: Int64)
    case tooManyKeys(limit: Int)
    case tooManyMembers(limit: Int)
    /// The client has a member with that address.
    case memberExists
    /// A clock cannot run further ahead.
    case clockTooFar
    /// A credential may not give what it does not have.
    case scopeExceeded
}
