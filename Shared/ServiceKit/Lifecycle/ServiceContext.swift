package import Contracts
package import HTTPKit
package import Kernel
package import MessagingKit
package import PostgresKit
package import RedisKit

/// The connections of one service. Opened by the runner, closed at its end.
package struct ServiceResources: Sendable {
    package let configuration: CommonConfiguration
    package let world: World
    package let postgres: PostgresClient
    /// Nil when the service runs without Redis.
    package let redis: RedisClient?
    package let http: HTTPClient
    private let tokens: ServiceTokenIssuer

    init(_ configuration: CommonConfiguration, world: World) throws {
        self.configuration = configuration
        self.world = world
        var database = try PostgresConfiguration(url: configuration.databaseURL)
        database.applicationName = configuration.service.executableName
        database.leasedConnections = configuration.databaseConnections
        let redisConfiguration = try configuration.redisURL.map { try RedisConfiguration(url: $0) }
        postgres = PostgresClient(database, telemetry: world.telemetry)
        redis = redisConfiguration.map { RedisClient($0, telemetry: world.telemetry) }
        http = HTTPClient(HTTPClientConfiguration(), world: world)
        tokens = ServiceTokenIssuer(
            caller: configuration.service, key: configuration.serviceKey, clock: world.clock)
    }

    /// Calls another service as this one.
    package func peer(_ name: ServiceName) -> PeerClient {
        let tokens = tokens
        return PeerClient(
            name: name.executableName, baseURL: configuration.url(of: name), client: http,
            authorization: { "Bearer \(tokens.token(for: name))" })
    }

    func shutdown() async {
        await http.shutdown()
        await redis?.shutdown()
        await postgres.shutdown()
    }
}

/// What a service is wired from.
package struct ServiceContext: Sendable {
    package let resources: ServiceResources
    /// The log of all that happened; event-service's own in event-service.
    package let log: any LogPort
    package let audiences: Audiences
    package let idempotency: IdempotencyStore
    package let limiter: RateLimiter
    /// API keys outside of the audiences (aliases that carry a key in the body).
    package let keys: any APIKeyResolver
    /// Members' sessions.
    package let sessions: any SessionResolver

    package var configuration: CommonConfiguration { resources.configuration }
    package var world: World { resources.world }
    package var telemetry: Telemetry { resources.world.telemetry }
    package var postgres: PostgresClient { resources.postgres }
    package var redis: RedisClient? { resources.redis }
    package var http: HTTPClient { resources.http }

    /// Calls another service as this one.
    package func peer(_ name: ServiceName) -> PeerClient { resources.peer(name) }
}
