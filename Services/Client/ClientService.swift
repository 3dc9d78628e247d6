package import Contracts
package import Kernel
import MessagingKit
package import PostgresKit
package import ServiceKit

/// Tenants and their keys, participants' profiles, and the audit log.
package struct ClientService: Service {
    package static let name = ServiceName.client
    package static let summary =
        "Keeps clients, their members, keys and settings, and participants' profiles from events."
    package static let crashPoints = ClientCrashPoint.all
    package static var openAPI: [UInt8]? { PackageResources.openapi_json }
    package static let migrations = MessagingMigrations.all + ClientMigrations.all
    package static var commands: [ServiceCommand<ClientService>] {
        [StaffTokenCommand.command, CreateMemberCommand.command]
    }

    let configuration: ClientConfiguration
    let context: ServiceContext
    let clients: ClientStore
    let keys: KeyStore
    let participants: ParticipantStore
    let audit: AuditStore
    let members: MemberStore
    let sessions: SessionStore
    let changes: ClientChanges
    let subscriber: Subscriber
    private let outbox: Outbox

    package static func ports(
        _ configuration: ClientConfiguration, _ resources: ServiceResources
    ) throws -> ServicePorts {
        let postgres = resources.postgres
        return ServicePorts(
            keyResolver: TableKeyResolver(keys: KeyStore(postgres: postgres)),
            sessionResolver: TableSessionResolver(
                sessions: SessionStore(postgres: postgres), clock: resources.world.clock),
            memberKeys: FixedMemberKeys(configuration.memberPublicKeys))
    }

    package init(_ configuration: ClientConfiguration, _ context: ServiceContext) async throws {
        self.configuration = configuration
        self.context = context
        clients = ClientStore(postgres: context.postgres)
        keys = KeyStore(postgres: context.postgres)
        participants = ParticipantStore(postgres: context.postgres)
        audit = AuditStore(postgres: context.postgres)
        members = MemberStore(postgres: context.postgres)
        sessions = SessionStore(postgres: context.postgres)
        outbox = Outbox(
            service: .client, postgres: context.postgres, log: context.log, world: context.world)
        changes = ClientChanges(audit: audit, outbox: outbox, context: context)
        let events = ParticipantEvents(store: participants, telemetry: context.telemetry)
        var bounds = SubscriberConfiguration()
        // Who asks about a person as of an event does not wait for it.
        bounds.loadGatherInterval = .milliseconds(50)
        subscriber = Subscriber(
            service: .client, name: "client", wanted: ParticipantEvents.wanted,
            postgres: context.postgres, log: context.log, redis: context.redis,
            world: context.world, configuration: bounds,
            apply: { try await events.apply($0, $1) })
    }

    var memberCreation: MemberCreation {
        MemberCreation(changes: changes, clients: clients, members: members, context: context)
    }

    package func background() -> [BackgroundTask] {
        [
            BackgroundTask("outbox") { await outbox.run() },
            BackgroundTask("subscriber") { await subscriber.run() },
            DatabasePurge.task("session-purge", telemetry: context.telemetry) {
                let limit = context.world.clock.now() - SessionPolicy.retention
                return try await DatabasePurge.run(batch: SessionStore.purgeBatch) {
                    batch throws(PostgresError) in
                    try await sessions.purge(before: limit, atMost: batch)
                }
            },
        ]
    }

    package func readiness() -> [ReadinessCheck] {
        [.freshness("subscriber") { subscriber.lastContact }]
    }
}

/// Finds keys in the service's own table.
private struct TableKeyResolver: APIKeyResolver {
    let keys: KeyStore

    func resolve(_ hash: [UInt8]) async throws -> ResolvedKey? { try await keys.resolve(hash) }
}

/// Finds sessions in the service's own table.
private struct TableSessionResolver: SessionResolver {
    let sessions: SessionStore
    let clock: any TimeSource

    func resolve(_ session: SessionID) async throws -> ResolvedSession? {
        try await sessions.resolve(session, at: clock.now())
    }
}
