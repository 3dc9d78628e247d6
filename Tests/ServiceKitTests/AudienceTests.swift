import Contracts
import Foundation
import HTTPKit
import Kernel
import RedisKit
import SecurityKit
import ServiceKit
import Synchronization
import TestKit
import Testing

@Suite(.timeLimit(.minutes(2))) struct AudienceTests {
    private final class Keys: APIKeyResolver {
        let known = Mutex<[[UInt8]: ResolvedKey]>([:])

        func resolve(_ hash: [UInt8]) async throws -> ResolvedKey? {
            known.withLock { $0[hash] }
        }

        func add(
            _ kind: APIKeyKind, origins: [String] = [], status: ClientStatus = .active
        ) -> String {
            let secret = APIKeySecret.generate(
                kind: kind == .secret ? .secret : .publishable, mode: .live)
            let key = ResolvedKey(
                keyID: APIKeyID(UUID()), clientID: ClientID(UUID()), kind: kind, mode: .live,
                scopes: ["events"], origins: origins, clientStatus: status,
                businessClockOffsetMilliseconds: 5000)
            known.withLock { $0[secret.hash] = key }
            return secret.text
        }
    }

    private struct Fixture: Sendable {
        static let staffSecret = [UInt8](repeating: 1, count: 32)
        static let previousSecret = [UInt8](repeating: 2, count: 32)

        let keys = Keys()
        let peerKey = Ed25519PrivateKey.generate()
        let url: String
        let client: HTTPClient
        let server: HTTPServer

        init(limiter: RateLimiter? = nil, limits: AudienceLimits = .none) throws {
            let world = World()
            let audiences = Audiences(
                resolver: keys,
                limiter: limiter ?? RateLimiter(redis: nil, telemetry: world.telemetry),
                serviceTokens: try ServiceTokenVerifier(
                    callee: .client, keys: [.event: peerKey.publicKey], clock: world.clock),
                staffTokens: try Audiences.staffVerifier(
                    secret: Self.staffSecret, previous: Self.previousSecret, clock: world.clock))
            var router = Router()
            router.group(audiences.portal) { routes in
                routes.get("/who") { _, who in .text("\(who.clientID) \(who.actor.text)") }
            }
            router.group(audiences.sdk(limits: limits)) { routes in
                routes.post("/who", limits: .noBody) { _, who in
                    .text("\(who.trust) \(who.businessClockOffset)")
                }
            }
            router.group(audiences.admin) { routes in
                routes.get("/who") { _, who in .text("\(who.subject) \(who.roles.sorted())") }
            }
            router.group(audiences.internal(middleware: [NeverMiddleware()])) { routes in
                routes.get("/never") { _, _ in .noContent }
            }
            router.group(audiences.internal) { routes in
                routes.get("/who") { _, who in .text(who.service.executableName) }
            }
            server = HTTPServer(router: router, world: world)
            url = "http://127.0.0.1:\(try server.start())"
            client = HTTPClient(HTTPClientConfiguration(), world: world)
        }

        func send(
            _ path: String, _ headers: HTTPHeaders = [:], method: HTTPMethod = .get
        ) async throws -> ClientResponse {
            try await client.send(
                ClientRequest(
                    method: method, url: url + path, headers: headers,
                    body: method == .post ? [] : nil))
        }

        func stop() async {
            await client.shutdown()
            await server.drain(within: .seconds(1))
        }
    }

    private func withFixture(
        limiter: RateLimiter? = nil, limits: AudienceLimits = .none,
        _ body: (Fixture) async throws -> Void
    ) async throws {
        let fixture = try Fixture(limiter: limiter, limits: limits)
        do {
            try await body(fixture)
        } catch {
            await fixture.stop()
            throw error
        }
        await fixture.stop()
    }

    private func code(_ response: ClientResponse) -> String? {
        (try? JSONCoding.parse(response.body))?["code"]?.string
    }

    private func text(_ response: ClientResponse) -> String {
        String(decoding: response.body, as: UTF8.self)
    }

    @Test func `a stranger does not reach what makes internal calls wait`() async throws {
        try await withFixture { fixture in
            let response = try await fixture.send("/internal/never")
            #expect(response.status == 401)
            #expect(response.headers["WWW-Authenticate"]?.hasPrefix("Bearer realm=") == true)
        }
    }

    @Test func `every audience refuses a call without its credential`() async throws {
        try await withFixture { fixture in
            for path in ["/v1/portal/who", "/v1/admin/who", "/internal/who"] {
                let response = try await fixture.send(path)
                #expect(response.status == 401)
                #expect(code(response) == "credential_missing")
                #expect(response.headers["WWW-Authenticate"]?.hasPrefix("Bearer realm=") == true)
            }
            #expect(try await fixture.send("/v1/sdk/who", method: .post).status == 401)
        }
    }

    @Test func `a credential of one audience opens no other`() async throws {
        try await withFixture { fixture in
            let secret = fixture.keys.add(.secret)
            let issuer = ServiceTokenIssuer(
                caller: .event, key: fixture.peerKey, clock: SystemClock())
            let staff = try JWTSigner.hs256(secret: Fixture.staffSecret).sign(
                JWTClaims(
                    sub: "ada", aud: ["grapevine-admin"], exp: SystemClock().now() + .seconds(60)))
            let credentials = [
                "portal": secret, "internal": issuer.token(for: .client), "admin": staff,
            ]
            for (owner, credential) in credentials {
                for path in ["/v1/portal/who", "/v1/admin/who", "/internal/who"] {
                    let response = try await fixture.send(
                        path, ["Authorization": "Bearer \(credential)"])
                    let isOwn = path.contains(owner)
                    #expect(response.status == (isOwn ? 200 : 401), "\(owner) at \(path)")
                }
            }
        }
    }

    @Test func `a key is taken as bearer, in its own header and as a basic user`() async throws {
        try await withFixture { fixture in
            let key = fixture.keys.add(.publishable)
            let basic = Data("\(key):".utf8).base64EncodedString()
            let forms: [HTTPHeaders] = [
                ["Authorization": "Bearer \(key)"], ["X-Grapevine-Key": key],
                ["Authorization": "Basic \(basic)"],
            ]
            for headers in forms {
                let response = try await fixture.send("/v1/sdk/who", headers, method: .post)
                #expect(response.status == 200)
                #expect(text(response) == "browser 5.0 seconds")
            }
            let secret = fixture.keys.add(.secret)
            let response = try await fixture.send(
                "/v1/sdk/who", ["X-Grapevine-Key": secret], method: .post)
            #expect(text(response).hasPrefix("server "))
        }
    }

    @Test func `a publishable key opens no portal and an unknown key nothing`() async throws {
        try await withFixture { fixture in
            let publishable = fixture.keys.add(.publishable)
            let portal = try await fixture.send(
                "/v1/portal/who", ["Authorization": "Bearer \(publishable)"])
            #expect(portal.status == 403 && code(portal) == "secret_key_required")
            let stranger = APIKeySecret.generate(kind: .secret, mode: .live).text
            for text in [stranger, "gv_sk_short", "nonsense"] {
                let response = try await fixture.send(
                    "/v1/portal/who", ["Authorization": "Bearer \(text)"])
                #expect(response.status == 401 && code(response) == "invalid_key")
            }
        }
    }

    @Test func `a suspended client is told so`() async throws {
        try await withFixture { fixture in
            let key = fixture.keys.add(.secret, status: .suspended)
            let response = try await fixture.send(
                "/v1/portal/who", ["Authorization": "Bearer \(key)"])
            #expect(response.status == 403 && code(response) == "client_suspended")
        }
    }

    @Test func `a publishable key works only from its origins`() async throws {
        try await withFixture { fixture in
            let key = fixture.keys.add(.publishable, origins: ["https://shop.example"])
            let origins = [
                ("https://shop.example", 200), ("https://shop.example.evil", 403), ("null", 403),
                (nil, 403),
            ]
            for (origin, status) in origins {
                var headers: HTTPHeaders = ["X-Grapevine-Key": key]
                if let origin { headers.add("Origin", origin) }
                let response = try await fixture.send("/v1/sdk/who", headers, method: .post)
                #expect(response.status == status)
            }
        }
    }

    @Test func `staff tokens count with the current and the previous secret`() async throws {
        try await withFixture { fixture in
            for secret in [Fixture.staffSecret, Fixture.previousSecret] {
                let token = try JWTSigner.hs256(secret: secret).sign(
                    JWTClaims(
                        sub: "ada", aud: ["grapevine-admin"],
                        exp: SystemClock().now() - .seconds(10), extra: ["roles": ["owner"]]))
                let response = try await fixture.send(
                    "/v1/admin/who", ["Authorization": "Bearer \(token)"])
                #expect(text(response) == "ada [\"owner\"]")
            }
        }
    }

    @Test func `limited calls carry what is left, and the refused one says when to return`()
        async throws
    {
        let redis = try await TestRedis.make()
        let client = redis.client()
        try await eventually("Redis answers") {
            try await client.ping()
            return true
        }
        let limits = AudienceLimits(
            perKey: RateLimitPolicy("per_key", limit: 2, per: .seconds(3600)),
            perClient: RateLimitPolicy("per_client", limit: 10, per: .seconds(3600)))
        let limiter = RateLimiter(redis: client, telemetry: Telemetry())
        try await withFixture(limiter: limiter, limits: limits) { fixture in
            let headers: HTTPHeaders = ["X-Grapevine-Key": fixture.keys.add(.secret)]
            let first = try await fixture.send("/v1/sdk/who", headers, method: .post)
            #expect(
                first.headers["RateLimit-Policy"]
                    == "\"per_key\";q=2;w=3600, \"per_client\";q=10;w=3600")
            #expect(
                first.headers["RateLimit"]
                    == "\"per_key\";r=1;t=1800, \"per_client\";r=9;t=360")
            _ = try await fixture.send("/v1/sdk/who", headers, method: .post)
            let third = try await fixture.send("/v1/sdk/who", headers, method: .post)
            #expect(third.status == 429 && code(third) == "rate_limited")
            #expect((third.retryAfter ?? .zero) > .seconds(1700))
            #expect(third.headers["RateLimit"]?.hasPrefix("\"per_key\";r=0;t=") == true)
        }
        await client.shutdown()
    }
}

/// Waits until the call is given up.
private struct NeverMiddleware: Middleware {
    func respond(
        to request: HTTPRequest, next: (HTTPRequest) async throws -> HTTPResponse
    ) async throws -> HTTPResponse {
        try await Task.sleep(for: .seconds(3600))
        return try await next(request)
    }
}
