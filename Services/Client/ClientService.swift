package import Contracts
package import Kernel
import MessagingKit
package import PostgresKit
package import ServiceKit

/// Tenants and their keys, participants' profiles, and the audit log.
package struct ClientService: Service {
    package static let name = ServiceName.client
    package static let summary =
        "Keeps clients, their API keys and settings, and participants' profiles built from events."
    package static let crashPoints = ClientCrashPoint.all
    package static let migrations = MessagingMigrations.all + ClientMigrations.all
    package static var commands: [ServiceCommand<ClientService>] { [StaffTokenCommand.command] }

    let context: ServiceContext
    let clients: ClientStore
    let keys: KeyStore
    let participants: ParticipantStore
    let audit: AuditStore
    let changes: ClientChanges
    let subscriber: Subscriber
    private let outbox: Outbox

    package static func ports(
        _ configuration: NoConfiguration, _ resources: ServiceResources
    ) throws -> ServicePorts {
        ServicePorts(keyResolver: TableKeyResolver(keys: KeyStore(postgres: resources.postgres)))
    }

    package init(_ configuration: NoConfiguration, _ context: ServiceContext) async throws {
        self.context = context
        clients = ClientStore(postgres: context.postgres)
        keys = KeyStore(postgres: context.postgres)
        participants = ParticipantStore(postgres: context.postgres)
        audit = AuditStore(postgres: context.postgres)
        outbox = Outbox(
            service: .client, postgres: context.postgres, log: context.log, world: context.world)
        changes = ClientChanges(audit: audit, outbox: outbox, context: context)
        let events = ParticipantEvents(store: participants, telemetry: context.telemetry)
        subscriber = Subscriber(
            service: .client, name: "client", types: nil, postgres: context.postgres,
            log: context.log, redis: context.redis, world: context.world,
            apply: { try await events.apply($0, $1) })
    }

    package func background() -> [BackgroundTask] {
        [
            BackgroundTask("outbox") { await outbox.run() },
            BackgroundTask("subscriber") { await subscriber.run() },
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
