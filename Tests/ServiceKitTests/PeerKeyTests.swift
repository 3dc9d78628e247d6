import Contracts
import Foundation
import HTTPKit
import Kernel
import PostgresKit
import SecurityKit
import ServiceKit
import Synchronization
import TestKit
import Testing

/// A service that asks another, real one for its keys, over HTTP with service tokens.
@Suite(.timeLimit(.minutes(2))) struct PeerKeyTests {
    private final class ClientService: Sendable {
        let keys = Keys()
        let server: HTTPServer
        let url: String

        init(callers: [ServiceName: Ed25519PublicKey]) throws {
            let world = World()
            let tokens = try ServiceTokenVerifier(
                callee: .client, keys: callers, clock: world.clock)
            let audiences = Audiences(
                resolver: NoKeys(), limiter: RateLimiter(redis: nil, telemetry: world.telemetry),
                serviceTokens: tokens, staffTokens: nil)
            var router = Router()
            let keys = keys
            router.group(audiences.internal) { routes in
                routes.on(ClientContracts.resolveKey) { input, _, caller in
                    #expect(caller.service == .notification)
                    return ResolveKeyResponse(key: keys.find(input.keyHash))
                }
            }
            server = HTTPServer(router: router, world: world)
            url = "http://127.0.0.1:\(try server.start())"
        }

        final class Keys: Sendable {
            let known = Mutex<[String: ResolvedKey]>([:])

            func find(_ hash: String) -> ResolvedKey? { known.withLock { $0[hash] } }
        }

        struct NoKeys: APIKeyResolver {
            func resolve(_ hash: [UInt8]) async throws -> ResolvedKey? { nil }
        }

        func addKey() -> String {
            let secret = APIKeySecret.generate(kind: .secret, mode: .live)
            let key = ResolvedKey(
                keyID: APIKeyID(UUID()), clientID: ClientID(UUID()), kind: .secret, mode: .live,
                scopes: [], origins: [], clientStatus: .active, businessClockOffsetMilliseconds: 0)
            keys.known.withLock { $0[Hex.encode(secret.hash)] = key }
            return secret.text
        }
    }

    private func greeting(
        _ client: HTTPClient, _ url: String, _ key: String
    ) async throws -> ClientResponse {
        try await client.send(
            ClientRequest(
                url: url + "/v1/portal/greeting", headers: ["Authorization": "Bearer \(key)"],
                deadline: .seconds(20)))
    }

    @Test func `keys are asked of client-service, and known ones survive its end`() async throws {
        try await TestPostgres.shared().withDatabase { database in
            let serviceKey = Ed25519PrivateKey.generate()
            let peer = try ClientService(callers: [.notification: serviceKey.publicKey])
            let running = try await RunningService<SampleService>.start(
                configuration: .init(greeting: "hi"),
                common: CommonConfiguration(
                    service: .notification, databaseURL: database.url,
                    peers: [.client: peer.url], serviceKey: serviceKey),
                world: World())
            let client = HTTPClient(HTTPClientConfiguration(), world: World())
            let known = peer.addKey()
            let unknown = APIKeySecret.generate(kind: .secret, mode: .live).text
            #expect(try await greeting(client, running.url, known).status == 200)
            #expect(try await greeting(client, running.url, unknown).status == 401)

            await peer.server.drain(within: .seconds(1))
            let late = peer.addKey()
            #expect(try await greeting(client, running.url, known).status == 200)
            let refused = try await greeting(client, running.url, late)
            #expect(refused.status == 503 && refused.retryAfter != nil)

            await client.shutdown()
            await running.stop()
        }
    }

    @Test func `a service whose token is not accepted refuses keys with 503, not 401`()
        async throws
    {
        try await TestPostgres.shared().withDatabase { database in
            let peer = try ClientService(callers: [:])
            let running = try await RunningService<SampleService>.start(
                configuration: .init(greeting: "hi"),
                common: CommonConfiguration(
                    service: .notification, databaseURL: database.url,
                    peers: [.client: peer.url]),
                world: World())
            let client = HTTPClient(HTTPClientConfiguration(), world: World())
            let response = try await greeting(client, running.url, peer.addKey())
            #expect(response.status == 503)
            await client.shutdown()
            await running.stop()
            await peer.server.drain(within: .seconds(1))
        }
    }
}
