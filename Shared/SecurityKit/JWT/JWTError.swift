/// Why a token was refused. For logs and metrics; callers only learn that it does not count.
package enum JWTError: String, Error, Sendable, Hashable, CaseIterable {
    /// Beyond `JWTVerifier.maximumByteCount`.
    case tooLong = "too_long"
    /// Not three canonical base64url parts with JSON objects that are unambiguous.
    case malformed
    /// The header names another algorithm than this verifier's.
    case wrongAlgorithm = "wrong_algorithm"
    /// The header asks for something that must be understood (`crit`) or is no JWT by its `typ`.
    case unsupportedHeader = "unsupported_header"
    /// No key of ours has this `kid`.
    case unknownKey = "unknown_key"
    case wrongSignature = "wrong_signature"
    /// `exp`, `aud` or `sub` is missing or a registered claim has the wrong type.
    case invalidClaim = "invalid_claim"
    case wrongAudience = "wrong_audience"
    case wrongIssuer = "wrong_issuer"
    case expired
    /// `nbf` or `iat` lies in the future.
    case notYetValid = "not_yet_valid"
    /// Lives longer than this verifier allows.
    case tooLongLived = "too_long_lived"
}
