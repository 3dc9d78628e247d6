/// How far an event can be believed, from what anyone can forge to what we said ourselves.
package enum Trust: String, Sendable, Codable, CaseIterable, Comparable {
    /// Sent by a browser with a publishable key: anybody can write it.
    case browser
    /// Sent by a browser with a user token that the client's server signed.
    case signedUser = "signed_user"
    /// Sent by the client's server with a secret key.
    case server
    /// Told by a shop or payment provider whose signature was checked.
    case webhook
    /// Written by one of Grapevine's own services.
    case `internal`

    private var rank: Int {
        switch self {
        case .browser: 0
        case .signedUser: 1
        case .server: 2
        case .webhook: 3
        case .internal: 4
        }
    }

    package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }
}
