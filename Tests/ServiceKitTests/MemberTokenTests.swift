import Contracts
import Foundation
import HTTPKit
import Kernel
import SecurityKit
import Synchronization
import TestKit
import Testing

@testable import ServiceKit

/// What member tokens open, and everything that only looks like one.
@Suite(.timeLimit(.minutes(2))) struct MemberTokenTests {
    private final class Sessions: SessionResolver {
        let known = Mutex<[SessionID: ResolvedSession]>([:])

        func resolve(_ session: SessionID) async throws -> ResolvedSession? {
            known.withLock { $0[session] }
        }
    }

    private struct NoKeys: APIKeyResolver {
        func resolve(_ hash: [UInt8]) async throws -> ResolvedKey? { nil }
    }

    /// A portal that answers who calls.
    private struct Portal: Sendable {
        let key = Ed25519PrivateKey.generate()
        let previous = Ed25519PrivateKey.generate()
        let clock = TestClock(at: SystemClock().now())
        let sessions = Sessions()
        let url: String
        let client: HTTPClient
        let server: HTTPServer

        init() throws {
            let world = World()
            let members = MemberAuthenticator(
                keys: FixedMemberKeys([key.publicKey, previous.publicKey]), sessions: sessions,
                clock: clock)
            let audiences = Audiences(
                resolver: NoKeys(), limiter: RateLimiter(redis: nil, telemetry: world.telemetry),
                serviceTokens: try ServiceTokenVerifier(
                    callee: .client, keys: [:], clock: world.clock),
                staffTokens: nil, members: members)
            var router = Router()
            router.group(audiences.portal) { routes in
                routes.get("/who") { _, who in .text("\(who.clientID) \(who.actor.text)") }
            }
            router.group(audiences.sdk) { routes in
                routes.get("/who") { _, who in .text("\(who.clientID)") }
            }
            server = HTTPServer(router: router, world: world)
            url = "http://127.0.0.1:\(try server.start())"
            client = HTTPClient(HTTPClientConfiguration(), world: world)
        }

        func session(_ status: ClientStatus = .active) -> ResolvedSession {
            let session = ResolvedSession(
                sessionID: SessionID(UUID()), memberID: MemberID(UUID()),
                clientID: ClientID(UUID()), role: .owner, mode: .live, clientStatus: status,
                businessClockOffsetMilliseconds: 0)
            sessions.known.withLock { $0[session.sessionID] = session }
            return session
        }

        func end(_ session: ResolvedSession) {
            sessions.known.withLock { $0[session.sessionID] = nil }
        }

        func token(_ session: ResolvedSession) -> String {
            MemberTokens.sign(session, with: key, at: clock.now()).token
        }

        /// What a token of ours says, to be changed.
        func claims(_ session: ResolvedSession) -> JWTClaims {
            JWTClaims(
                iss: MemberTokens.issuer, sub: session.memberID.description,
                aud: [MemberTokens.audience], exp: clock.now() + .seconds(600),
                extra: [
                    "client_id": .string(session.clientID.description), "role": "owner",
                    "sid": .string(session.sessionID.description),
                ])
        }

        func signed(_ claims: JWTClaims, by signer: Ed25519PrivateKey? = nil) -> String {
            let signer = signer ?? key
            return JWTSigner.ed25519(signer, kid: signer.publicKey.thumbprint).sign(claims)
        }

        func call(_ token: String, _ path: String = "/v1/portal/who") async throws -> (
            status: Int, code: String?, text: String
        ) {
            let response = try await client.send(
                ClientRequest(url: url + path, headers: ["Authorization": "Bearer \(token)"]))
            let code = (try? JSONCoding.parse(response.body))?["code"]?.string
            return (response.status, code, String(decoding: response.body, as: UTF8.self))
        }
    }

    private func withPortal(_ body: (Portal) async throws -> Void) async throws {
        let portal = try Portal()
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(portal))
        } catch {
            result = .failure(error)
        }
        await portal.client.shutdown()
        await portal.server.drain(within: .seconds(1))
        try result.get()
    }

    @Test func `a token opens the portal of its client, for its member`() async throws {
        try await withPortal { portal in
            let session = portal.session()
            let answer = try await portal.call(portal.token(session))
            #expect(answer.text == "\(session.clientID) \(session.memberID)")
            let old = portal.signed(portal.claims(session), by: portal.previous)
            #expect(try await portal.call(old).status == 200)
        }
    }

    @Test func `tokens of another key, audience, issuer or time are refused`() async throws {
        try await withPortal { portal in
            let session = portal.session()
            let good = portal.claims(session)
            var tokens = [portal.signed(good, by: .generate())]
            for change: (inout JWTClaims) -> Void in [
                { $0.aud = ["client-service"] }, { $0.aud = ["grapevine-admin"] },
                { $0.iss = "somebody" }, { $0.iss = nil },
                { $0.exp = portal.clock.now() + .seconds(-31) },
                { $0.exp = portal.clock.now() + .seconds(3600) },
                { $0.nbf = portal.clock.now() + .seconds(60) },
            ] {
                var claims = good
                change(&claims)
                tokens.append(portal.signed(claims))
            }
            for token in tokens {
                let answer = try await portal.call(token)
                #expect(answer.status == 401)
                #expect(answer.code == "invalid_token")
            }
            let token = portal.token(session)
            #expect(try await portal.call(token).status == 200)
            portal.clock.advance(by: MemberTokens.lifetime + .seconds(31))
            #expect(try await portal.call(token).status == 401)
        }
    }

    @Test func `neither no algorithm nor the public key as a secret makes a token`() async throws {
        try await withPortal { portal in
            let session = portal.session()
            let kid = portal.key.publicKey.thumbprint
            let real = portal.token(session).split(separator: ".").map(String.init)
            func header(_ algorithm: String) -> String {
                Base64URL.encode(
                    Array(#"{"alg":"\#(algorithm)","kid":"\#(kid)","typ":"JWT"}"#.utf8))
            }
            var forged = ["none", "None", ""].flatMap { algorithm in
                ["\(header(algorithm)).\(real[1]).", "\(header(algorithm)).\(real[1]).\(real[2])"]
            }
            // A verifier that lets the header choose would take the public key for a secret.
            let published = MemberTokens.published(portal.key.publicKey)
            let pem = "-----BEGIN PUBLIC KEY-----\n\(published.x)\n-----END PUBLIC KEY-----\n"
            for secret in [
                portal.key.publicKey.bytes, Array(published.x.utf8), Array(pem.utf8),
                Array(kid.utf8),
            ] {
                let signer = try JWTSigner.hs256(secret: secret, kid: kid)
                forged.append(signer.sign(portal.claims(session)))
            }
            // Another member in a payload that somebody else signed.
            let other = portal.token(portal.session()).split(separator: ".").map(String.init)
            forged.append("\(real[0]).\(other[1]).\(real[2])")
            forged += ["..", "a.b.c", "\(real[0])..\(real[2])", "\(real[0]).\(real[1])."]
            for token in forged {
                #expect(try await portal.call(token).status == 401)
            }
        }
    }

    @Test func `a token whose session ended, or is another's, is refused`() async throws {
        try await withPortal { (portal: Portal) async throws -> Void in
            let (mine, theirs) = (portal.session(), portal.session())
            let changes: [@Sendable (inout JWTClaims) -> Void] = [
                { $0.extra["client_id"] = .string(theirs.clientID.description) },
                { $0.extra["sid"] = .string(theirs.sessionID.description) },
                { $0.sub = theirs.memberID.description },
                { $0.extra["client_id"] = nil }, { $0.extra["sid"] = nil },
            ]
            for change in changes {
                var claims = portal.claims(mine)
                change(&claims)
                #expect(try await portal.call(portal.signed(claims)).status == 401)
            }
            let token = portal.token(mine)
            #expect(try await portal.call(token).status == 200)
            portal.end(mine)
            #expect(try await portal.call(token).status == 401)
        }
    }

    @Test func `a suspended client's members are refused, and members are nobody to the sdk`()
        async throws
    {
        try await withPortal { portal in
            let suspended = try await portal.call(portal.token(portal.session(.suspended)))
            #expect(suspended.status == 403)
            #expect(suspended.code == "client_suspended")
            let token = portal.token(portal.session())
            #expect(try await portal.call(token, "/v1/sdk/who").status == 401)
        }
    }
}
