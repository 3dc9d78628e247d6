import Contracts
import Kernel
import SecurityKit
import ServiceKit
import TestKit
import Testing

@Suite struct ServiceTokenTests {
    private let clock = TestClock()
    private let key = Ed25519PrivateKey.generate()
    private let other = Ed25519PrivateKey.generate()

    private var verifier: ServiceTokenVerifier {
        get throws {
            try ServiceTokenVerifier(
                callee: .client, keys: [.event: key.publicKey, .reward: other.publicKey],
                clock: clock)
        }
    }

    private func isRefused(_ token: String) throws -> Bool {
        let verifier = try verifier
        do {
            _ = try verifier.verify(token)
            return false
        } catch {
            return error.status == 401 && error.code == "invalid_token"
        }
    }

    @Test func `a token tells who calls, and is kept until it grows old`() throws {
        let issuer = ServiceTokenIssuer(caller: .event, key: key, clock: clock)
        let token = issuer.token(for: .client)
        #expect(try verifier.verify(token).service == .event)
        clock.advance(by: .seconds(179))
        #expect(issuer.token(for: .client) == token)
        clock.advance(by: .seconds(2))
        #expect(issuer.token(for: .client) != token)
    }

    @Test func `a remembered token stops when it expires`() throws {
        let verifier = try verifier
        let token = ServiceTokenIssuer(caller: .event, key: key, clock: clock).token(for: .client)
        #expect(try verifier.verify(token).service == .event)
        clock.advance(by: .seconds(331))
        #expect(throws: Problem.self) { try verifier.verify(token) }
    }

    @Test func `a token for another callee, of another key or of another subject is refused`()
        throws
    {
        let issuer = ServiceTokenIssuer(caller: .event, key: key, clock: clock)
        #expect(try isRefused(issuer.token(for: .reward)))
        let stranger = ServiceTokenIssuer(caller: .event, key: .generate(), clock: clock)
        #expect(try isRefused(stranger.token(for: .client)))
        let claims = JWTClaims(
            sub: "reward-service", aud: ["client-service"], exp: clock.now() + .seconds(60),
            iat: clock.now())
        #expect(try isRefused(JWTSigner.ed25519(key, kid: "event-service").sign(claims)))
        #expect(try isRefused("x.y.z"))
    }

    @Test func `a token that lives longer than five minutes is refused`() throws {
        let claims = JWTClaims(
            sub: "event-service", aud: ["client-service"], exp: clock.now() + .seconds(3600),
            iat: clock.now())
        #expect(try isRefused(JWTSigner.ed25519(key, kid: "event-service").sign(claims)))
    }
}
