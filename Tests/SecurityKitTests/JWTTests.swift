import Kernel
import SecurityKit
import TestKit
import Testing

func seconds(_ value: Int64) -> Timestamp { Timestamp(microseconds: value * 1_000_000) }

@Suite struct JWTTests {
    private let key: Ed25519PrivateKey
    private let secret = bytes(utf8: "0123456789abcdef0123456789abcdef")
    private let claims = JWTClaims(
        iss: "grapevine", sub: "mem_1", aud: ["portal", "me"], exp: seconds(1000),
        nbf: seconds(400), iat: seconds(400), jti: "t1",
        extra: ["role": "owner", "deep": ["list": [1, "\u{1F347}\"\n", nil, true]]])

    init() throws {
        key = try Ed25519PrivateKey(seed: [UInt8](repeating: 7, count: 32))
    }

    private func verifier(
        _ algorithm: JWTVerifier.Algorithm? = nil, audience: String = "portal",
        issuer: String? = nil, lifetime: Duration? = nil, at now: Int64 = 500
    ) throws -> JWTVerifier {
        try JWTVerifier(
            algorithm: algorithm ?? .edDSA(["k1": key.publicKey]), audience: audience,
            issuer: issuer, skew: .seconds(30), maximumLifetime: lifetime,
            clock: TestClock(at: seconds(now)))
    }

    @Test func `what was signed with EdDSA is read back whole`() throws {
        let token = JWTSigner.ed25519(key, kid: "k1").sign(claims)
        #expect(try verifier(issuer: "grapevine").verify(token) == claims)
        #expect(try verifier(audience: "me").verify(token) == claims)
    }

    @Test func `what was signed with HS256 is read back whole`() throws {
        let token = try JWTSigner.hs256(secret: secret).sign(claims)
        #expect(try verifier(.hs256(current: secret, previous: nil)).verify(token) == claims)
    }

    @Test func `the previous secret counts while a rotation lasts and no longer`() throws {
        let token = try JWTSigner.hs256(secret: secret).sign(claims)
        let next = SecureRandom.bytes(32)
        #expect(try verifier(.hs256(current: next, previous: secret)).verify(token) == claims)
        #expect(throws: JWTError.wrongSignature) {
            try verifier(.hs256(current: next, previous: nil)).verify(token)
        }
    }

    @Test func `secrets below 32 bytes are refused at the start`() {
        #expect(throws: SecurityError.invalidKey) { try JWTSigner.hs256(secret: [1, 2, 3]) }
        #expect(throws: SecurityError.invalidKey) {
            try verifier(.hs256(current: [], previous: nil))
        }
        #expect(throws: SecurityError.invalidKey) {
            try verifier(.hs256(current: secret, previous: []))
        }
    }

    // Source: RFC 8037 A.1 to A.5.
    @Test func `the key, thumbprint and signature of RFC 8037 appendix A come out`() throws {
        let seed = try #require(
            Base64URL.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"))
        let key = try Ed25519PrivateKey(seed: seed)
        #expect(
            Base64URL.encode(key.publicKey.bytes)
                == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")
        #expect(key.publicKey.thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")
        let input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
        let signature =
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt"
            + "9g7sVvpAr_MuM0KAg"
        #expect(Base64URL.encode(key.sign(bytes(utf8: input))) == signature)
        // Its payload is no JSON object, and it has no kid: no token of ours.
        let keys = JWTVerifier.Algorithm.edDSA(["": key.publicKey])
        #expect(throws: JWTError.unknownKey) {
            try verifier(keys).verify("\(input).\(signature)")
        }
    }

    @Test func `expiry counts to the second beyond the skew`() throws {
        let token = JWTSigner.ed25519(key, kid: "k1").sign(claims)
        #expect(throws: Never.self) { try verifier(at: 1029).verify(token) }
        #expect(throws: JWTError.expired) { try verifier(at: 1030).verify(token) }
    }

    @Test func `a token from the future does not count yet`() throws {
        var claims = claims
        let signer = JWTSigner.ed25519(key, kid: "k1")
        #expect(throws: Never.self) { try verifier(at: 370).verify(signer.sign(claims)) }
        #expect(throws: JWTError.notYetValid) { try verifier(at: 369).verify(signer.sign(claims)) }
        claims.nbf = nil
        #expect(throws: JWTError.notYetValid) { try verifier(at: 369).verify(signer.sign(claims)) }
        claims.iat = nil
        #expect(throws: Never.self) { try verifier(at: 369).verify(signer.sign(claims)) }
    }

    @Test func `a token of another audience, issuer or an excessive life does not count`() throws {
        let token = JWTSigner.ed25519(key, kid: "k1").sign(claims)
        #expect(throws: JWTError.wrongAudience) { try verifier(audience: "admin").verify(token) }
        #expect(throws: JWTError.wrongAudience) { try verifier(audience: "porta").verify(token) }
        #expect(throws: JWTError.wrongIssuer) { try verifier(issuer: "other").verify(token) }
        #expect(throws: JWTError.tooLongLived) {
            try verifier(lifetime: .seconds(469)).verify(token)
        }
        #expect(throws: Never.self) { try verifier(lifetime: .seconds(470)).verify(token) }
    }
}
