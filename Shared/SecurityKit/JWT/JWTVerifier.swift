package import Kernel

/// Checks tokens of one audience with one algorithm, whatever a token's header would like.
///
/// After RFC 8725 (best current practices): algorithm pinned, `kid` looked up in our own map only,
/// `aud` and `exp` required, unknown critical headers refused, ambiguous JSON refused.
package struct JWTVerifier: Sendable {
    /// The longest token that is looked at.
    package static let maximumByteCount = 8192

    /// The algorithm with its keys. The token's header only has to agree.
    package enum Algorithm: Sendable {
        /// Ed25519 keys by `kid`.
        case edDSA([String: Ed25519PublicKey])
        /// Secrets of at least 32 bytes; the previous one counts while a rotation lasts.
        case hs256(current: [UInt8], previous: [UInt8]?)

        fileprivate var name: String {
            switch self {
            case .edDSA: "EdDSA"
            case .hs256: "HS256"
            }
        }
    }

    private let algorithm: Algorithm
    private let audience: String
    private let issuer: String?
    private let skew: Duration
    private let maximumLifetime: Duration?
    private let clock: any TimeSource

    /// - Parameters:
    ///   - audience: must be among the token's `aud`.
    ///   - issuer: must be the token's `iss`, when given.
    ///   - skew: how far clocks may differ, for `exp`, `nbf` and `iat`.
    ///   - maximumLifetime: how far ahead `exp` may lie, when given.
    ///
    /// Throws `.invalidKey` for an HS256 secret below 32 bytes.
    package init(
        algorithm: Algorithm, audience: String, issuer: String? = nil,
        skew: Duration = .seconds(30), maximumLifetime: Duration? = nil, clock: any TimeSource
    ) throws(SecurityError) {
        if case .hs256(let current, let previous) = algorithm {
            let minimum = JWTSigner.minimumSecretByteCount
            guard current.count >= minimum, previous.map({ $0.count >= minimum }) ?? true else {
                throw .invalidKey
            }
        }
        self.algorithm = algorithm
        self.audience = audience
        self.issuer = issuer
        self.skew = skew
        self.maximumLifetime = maximumLifetime
        self.clock = clock
    }

    /// The claims of a token that counts now; throws why it does not.
    package func verify(_ token: String) throws(JWTError) -> JWTClaims {
        guard token.utf8.count <= Self.maximumByteCount else { throw .tooLong }
        let parts = token.split(
            separator: ".", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3, let headerBytes = Base64URL.decode(parts[0]),
            let payload = Base64URL.decode(parts[1]), let signature = Base64URL.decode(parts[2]),
            let header = StrictJSON.object(headerBytes)
        else { throw .malformed }
        try check(header)
        let input = Array(token.utf8.prefix(parts[0].utf8.count + 1 + parts[1].utf8.count))
        try check(signature, of: input, kid: header["kid"])
        guard let members = StrictJSON.object(payload) else { throw .malformed }
        guard let claims = JWTClaims(members) else { throw .invalidClaim }
        try check(claims)
        return claims
    }

    private func check(_ header: [String: JSONValue]) throws(JWTError) {
        guard header["alg"]?.string == algorithm.name else { throw .wrongAlgorithm }
        // "b64" and "zip" change what the bytes mean even where nobody marked them as critical.
        guard header["crit"] == nil, header["b64"] == nil, header["zip"] == nil else {
            throw .unsupportedHeader
        }
        guard let type = header["typ"] else { return }
        guard let name = type.string?.lowercased(), name == "jwt" || name.hasSuffix("+jwt") else {
            throw .unsupportedHeader
        }
    }

    private func check(
        _ signature: [UInt8], of input: [UInt8], kid: JSONValue?
    ) throws(JWTError) {
        switch algorithm {
        case .edDSA(let keys):
            guard let kid = kid?.string, let key = keys[kid] else { throw .unknownKey }
            guard key.verify(signature: signature, of: input) else { throw .wrongSignature }
        case .hs256(let current, let previous):
            let matches = [current, previous].compactMap { $0 }.contains { secret in
                Digest.constantTimeEquals(
                    Digest.hmacSHA256(key: secret, message: input), signature)
            }
            guard matches else { throw .wrongSignature }
        }
    }

    private func check(_ claims: JWTClaims) throws(JWTError) {
        guard claims.aud.contains(audience) else { throw .wrongAudience }
        if let issuer, claims.iss != issuer { throw .wrongIssuer }
        let now = clock.now()
        guard now < claims.exp + skew else { throw .expired }
        if let notBefore = claims.nbf, notBefore > now + skew { throw .notYetValid }
        if let issuedAt = claims.iat, issuedAt > now + skew { throw .notYetValid }
        if let maximumLifetime, claims.exp > now + maximumLifetime + skew { throw .tooLongLived }
    }
}
