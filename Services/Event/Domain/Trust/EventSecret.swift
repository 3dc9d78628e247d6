import Contracts
import FoundationEssentials
import Kernel
import SecurityKit

/// What a secret of a client's events is for.
enum EventSecretScope: Sendable, Hashable {
    /// Signs the tokens by which the client's server vouches for a person.
    case userTokens
    /// Signs the bodies of requests with this key, which count only so.
    case key(APIKeyID)

    static let userTokensName = "user_tokens"

    /// `user_tokens` or the id of a key; nil for anything else.
    init?(_ text: String) {
        if text == Self.userTokensName {
            self = .userTokens
        } else if let key = APIKeyID(text) {
            self = .key(key)
        } else {
            return nil
        }
    }

    var text: String {
        switch self {
        case .userTokens: Self.userTokensName
        case .key(let key): key.description
        }
    }

    /// Names the row among the client's.
    func rowID(of client: ClientID) -> UUID {
        switch self {
        case .userTokens: client.uuid
        case .key(let key): key.uuid
        }
    }
}

/// A secret as its client sees it.
struct EventSecret: Sendable, Codable {
    let scope: String
    /// Until then the one before counts too.
    let previousUntil: Timestamp?
    let createdAt: Timestamp
    let updatedAt: Timestamp
    /// Only in the answer to the request that made it.
    var secret: String?

    private enum CodingKeys: String, CodingKey {
        case scope, secret
        case previousUntil = "previous_until"
        case createdAt = "created_at"
        case updatedAt = "updated_at"
    }
}

/// A secret as it is checked by.
struct EventSecretKeys: Sendable, Hashable {
    static let prefix = "gv_es_"

    let current: [UInt8]
    var previous: [UInt8]?
    /// From then on the one before counts no more.
    var previousUntil: Timestamp?

    /// A new secret as it is shown: libraries take the text itself as their key.
    static func generate() -> String {
        prefix + Base64URL.encode(SecureRandom.bytes(32))
    }

    /// The one before, while it counts.
    func previous(at now: Timestamp) -> [UInt8]? {
        guard let previousUntil, now < previousUntil else { return nil }
        return previous
    }
}
