import Kernel

/// Issues tokens with one key.
package struct JWTSigner: Sendable {
    /// The fewest bytes of an HS256 secret (RFC 7518 §3.2).
    package static let minimumSecretByteCount = 32

    private enum Key: Sendable {
        case ed25519(Ed25519PrivateKey)
        case hs256([UInt8])
    }

    private let key: Key
    private let header: String

    /// EdDSA (RFC 8037) under a key id that verifiers know.
    package static func ed25519(_ key: Ed25519PrivateKey, kid: String) -> JWTSigner {
        JWTSigner(key: .ed25519(key), algorithm: "EdDSA", kid: kid)
    }

    /// HS256. Throws `.invalidKey` for a secret below 32 bytes.
    package static func hs256(
        secret: [UInt8], kid: String? = nil
    ) throws(SecurityError) -> JWTSigner {
        guard secret.count >= minimumSecretByteCount else { throw .invalidKey }
        return JWTSigner(key: .hs256(secret), algorithm: "HS256", kid: kid)
    }

    private init(key: Key, algorithm: String, kid: String?) {
        self.key = key
        var members: [String: JSONValue] = ["alg": .string(algorithm), "typ": "JWT"]
        members["kid"] = kid.map { .string($0) }
        header = Base64URL.encode(Array(CompactJSON.text(.object(members)).utf8))
    }

    /// The compact token.
    package func sign(_ claims: JWTClaims) -> String {
        let payload = CompactJSON.text(.object(claims.members))
        let input = "\(header).\(Base64URL.encode(Array(payload.utf8)))"
        let message = Array(input.utf8)
        let signature =
            switch key {
            case .ed25519(let key): key.sign(message)
            case .hs256(let secret): Digest.hmacSHA256(key: secret, message: message)
            }
        return "\(input).\(Base64URL.encode(signature))"
    }
}
