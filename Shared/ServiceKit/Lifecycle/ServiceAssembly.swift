import Contracts
import HTTPKit
import Kernel
import MessagingKit
import PostgresKit
import RedisKit

/// The wired parts of one service, not yet running.
struct ServiceAssembly<Owner: Service>: Sendable {
    let service: Owner
    let context: ServiceContext
    let router: Router
    let health: Health
    let background: [BackgroundTask]

    /// Wires everything. Throws what the configuration or the service's own initialiser throws.
    init(_ configuration: Owner.Configuration, _ resources: ServiceResources) async throws {
        let world = resources.world
        let ports = try Owner.ports(configuration, resources)
        let log = ports.log ?? HTTPLog(peer: resources.peer(.event))
        let keys = CachedKeyResolver(
            upstream: ports.keyResolver
                ?? PeerAPIKeyResolver(clientService: resources.peer(.client)),
            telemetry: world.telemetry)
        let sessions = CachedSessionResolver(
            upstream: ports.sessionResolver
                ?? PeerSessionResolver(clientService: resources.peer(.client)),
            telemetry: world.telemetry)
        let tail = Tail(
            types: ClientMessage.all, log: log, redis: resources.redis, world: world,
            onStart: {
                keys.invalidateAll()
                sessions.invalidateAll()
            },
            onEvents: {
                keys.invalidate($0)
                sessions.invalidate($0)
            })
        keys.watch { tail.lastContact }
        sessions.watch { tail.lastContact }
        let fetchedKeys = CachedMemberKeys(
            clientService: resources.peer(.client), telemetry: world.telemetry)
        let members = MemberAuthenticator(
            keys: ports.memberKeys ?? fetchedKeys, sessions: sessions, clock: world.clock)
        let limiter = RateLimiter(redis: resources.redis, telemetry: world.telemetry)
        let context = ServiceContext(
            resources: resources, log: log,
            audiences: try Self.audiences(
                resources, keys: keys, members: members, limiter: limiter),
            idempotency: IdempotencyStore(world: world), limiter: limiter, keys: keys,
            sessions: sessions)
        let service = try await Owner(configuration, context)
        var router = Router()
        service.routes(&router)
        let audiences = Set(router.routes.map(\.audience))
        let usesKeys = !audiences.isDisjoint(with: ["portal", "sdk"])
        var checks = Health.standardChecks(resources)
        if usesKeys { checks.append(.freshness("keys") { tail.lastContact }) }
        let health = Health(checks: checks + service.readiness(), telemetry: world.telemetry)
        Self.mountOperational(&router, health)
        var background = service.background()
        // A service without keys to check needs no news of them.
        if usesKeys { background.append(BackgroundTask("key-tail") { await tail.run() }) }
        if audiences.contains("portal"), ports.memberKeys == nil {
            background.append(fetchedKeys.task())
        }
        background.append(
            DatabasePurge.task("idempotency-purge", telemetry: world.telemetry) {
                try await context.idempotency.purge(resources.postgres)
            })
        self.service = service
        self.context = context
        self.router = router
        self.health = health
        self.background = background
    }

    /// What every service has beside its own routes.
    private static func mountOperational(_ router: inout Router, _ health: Health) {
        health.mount(&router, service: Owner.name)
        guard let description = Owner.openAPI else { return }
        router.group(Audience<Void>.open()) { routes in
            routes.get(ServiceRoutes.descriptionPath) { _, _ in
                .bytes(
                    description, contentType: MediaType.json,
                    headers: ["Cache-Control": "public, max-age=300"])
            }
        }
    }

    private static func audiences(
        _ resources: ServiceResources, keys: CachedKeyResolver, members: MemberAuthenticator,
        limiter: RateLimiter
    ) throws -> Audiences {
        let configuration = resources.configuration
        let clock = resources.world.clock
        return Audiences(
            resolver: keys, limiter: limiter,
            serviceTokens: try ServiceTokenVerifier(
                callee: configuration.service, keys: configuration.serviceKeys, clock: clock),
            staffTokens: try configuration.staffSecret.map {
                try Audiences.staffVerifier(
                    secret: $0, previous: configuration.staffSecretPrevious, clock: clock)
            },
            members: members)
    }
}
