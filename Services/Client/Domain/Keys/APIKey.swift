import Contracts
import Kernel

/// An API key without its secret, which only its owner has.
struct APIKey: Sendable, Hashable, Codable {
    /// The most keys that one client may have in use.
    static let maximumInUse = 100

    let keyID: APIKeyID
    let clientID: ClientID
    let kind: APIKeyKind
    let mode: ClientMode
    let name: String
    /// The last four characters of the secret.
    let hint: String
    let origins: [String]
    let scopes: [String]
    let createdBy: String
    let createdAt: Timestamp
    let revokedAt: Timestamp?

    private enum CodingKeys: String, CodingKey {
        case kind, mode, name, hint, origins, scopes
        case keyID = "key_id"
        case clientID = "client_id"
        case createdBy = "created_by"
        case createdAt = "created_at"
        case revokedAt = "revoked_at"
    }

    /// Null while it is in use, so that a reader sees the field.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(keyID, forKey: .keyID)
        try container.encode(clientID, forKey: .clientID)
        try container.encode(kind, forKey: .kind)
        try container.encode(mode, forKey: .mode)
        try container.encode(name, forKey: .name)
        try container.encode(hint, forKey: .hint)
        try container.encode(origins, forKey: .origins)
        try container.encode(scopes, forKey: .scopes)
        try container.encode(createdBy, forKey: .createdBy)
        try container.encode(createdAt, forKey: .createdAt)
        try container.encode(revokedAt, forKey: .revokedAt)
    }

    /// The ids of the two messages that tell of a key.
    var creationMessageID: String { "\(keyID)/created" }
    var revocationMessageID: String { "\(keyID)/revoked" }
}

/// A new key as its creator is answered: with the secret once, in repeats without.
struct CreatedKey: Sendable, Codable {
    let key: APIKey
    let secret: String?

    private enum CodingKeys: String, CodingKey {
        case secret
        case secretDetail = "secret_detail"
    }

    init(_ key: APIKey, secret: String?) {
        self.key = key
        self.secret = secret
    }

    init(from decoder: any Decoder) throws {
        key = try APIKey(from: decoder)
        secret = try decoder.container(keyedBy: CodingKeys.self)
            .decodeIfPresent(String.self, forKey: .secret)
    }

    /// One flat object.
    func encode(to encoder: any Encoder) throws {
        try key.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(secret, forKey: .secret)
        try container.encode(
            secret == nil
                ? "The secret was shown once, in the first answer, and is stored nowhere. "
                    + "If that answer was lost, revoke this key and create another."
                : "Keep the secret now: it is shown only here and stored nowhere.",
            forKey: .secretDetail)
    }
}
