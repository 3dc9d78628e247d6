package import Contracts
package import Kernel
package import SecurityKit

/// The tokens with which members of a client call `/v1/portal`: EdDSA, fifteen minutes, signed by
/// client-service.
package enum MemberTokens {
    /// Whom they are for.
    package static let audience = "grapevine-portal"
    /// Who signs them.
    package static let issuer = "grapevine-client-service"
    /// How long one counts.
    package static let lifetime: Duration = .seconds(900)

    static let clientClaim = "client_id"
    static let roleClaim = "role"
    static let sessionClaim = "sid"

    /// A key's public half as others see it. The key's id is its thumbprint, so both sides can
    /// compute it.
    package static func published(_ key: Ed25519PublicKey) -> JSONWebKeySet.Key {
        JSONWebKeySet.Key(kid: key.thumbprint, x: Base64URL.encode(key.bytes))
    }

    /// The keys of a published set by their ids; what is not one of ours is left out.
    static func keys(of set: JSONWebKeySet) -> [String: Ed25519PublicKey] {
        var keys: [String: Ed25519PublicKey] = [:]
        for key in set.keys.prefix(10)
        where key.kty == "OKP" && key.crv == "Ed25519" && key.alg == "EdDSA" && key.use == "sig" {
            guard let bytes = Base64URL.decode(key.x),
                let publicKey = try? Ed25519PublicKey(bytes: bytes)
            else { continue }
            keys[key.kid] = publicKey
        }
        return keys
    }

    /// Signs a token for a member's session.
    package static func sign(
        _ session: ResolvedSession, with key: Ed25519PrivateKey, at now: Timestamp
    ) -> (token: String, expiresAt: Timestamp) {
        // Tokens carry whole seconds.
        let issuedAt = Timestamp(microseconds: now.unixSeconds * 1_000_000)
        let expiresAt = issuedAt + lifetime
        let claims = JWTClaims(
            iss: issuer, sub: session.memberID.description, aud: [audience], exp: expiresAt,
            iat: issuedAt,
            extra: [
                clientClaim: .string(session.clientID.description),
                roleClaim: .string(session.role.rawValue),
                sessionClaim: .string(session.sessionID.description),
            ])
        return (JWTSigner.ed25519(key, kid: key.publicKey.thumbprint).sign(claims), expiresAt)
    }
}

/// What a member token says, checked.
struct MemberClaims: Sendable, Hashable {
    let memberID: MemberID
    let clientID: ClientID
    let sessionID: SessionID

    /// Nil when one of them is missing or no id.
    init?(_ claims: JWTClaims) {
        guard let memberID = MemberID(claims.sub),
            let clientID = claims.extra[MemberTokens.clientClaim]?.string.flatMap({ ClientID($0) }),
            let sessionID = claims.extra[MemberTokens.sessionClaim]?.string
                .flatMap({ SessionID($0) })
        else { return nil }
        self.memberID = memberID
        self.clientID = clientID
        self.sessionID = sessionID
    }
}
