package import Contracts
package import Kernel
import MessagingKit
package import PostgresKit
import SecurityKit
package import ServiceKit
import Synchronization

/// Ingestion and the log: takes events and messages, keeps them in order, feeds them to
/// subscribers.
package struct EventService: Service {
    package static let name = ServiceName.event
    package static let summary =
        "Takes events and the services' messages, keeps the log, and feeds it to subscribers."
    package static let crashPoints = EventCrashPoint.all
    package static var openAPI: [UInt8]? { PackageResources.openapi_json }
    package static let migrations = EventMigrations.all

    let configuration: EventConfiguration
    let context: ServiceContext
    let log: LocalLog
    let intake: EventIntake
    let webhookSources: WebhookSourceStore
    let eventTypes: EventTypeStore
    let eventSecrets: EventSecretStore
    private let generations: GenerationRotation

    package static func ports(
        _ configuration: EventConfiguration, _ resources: ServiceResources
    ) throws -> ServicePorts {
        ServicePorts(log: LocalLog(resources))
    }

    package init(_ configuration: EventConfiguration, _ context: ServiceContext) async throws {
        guard let log = context.log as? LocalLog else {
            preconditionFailure("Event-service keeps the log itself.")
        }
        self.configuration = configuration
        self.context = context
        self.log = log
        let rejected = RejectedEvents(
            store: RejectedEventStore(postgres: context.postgres),
            limits: configuration.rejections, world: context.world)
        let pace = EventPace(
            eventsPerSecond: configuration.eventsPerSecondPerClient,
            eventsPerMinute: configuration.eventsPerMinutePerParticipant,
            metrics: context.telemetry.metrics)
        let agents = AgentCache()
        let types = EventTypeStore(postgres: context.postgres)
        eventTypes = types
        let secrets = EventSecretStore(
            postgres: context.postgres,
            sealing: SealingKey(master: configuration.key, use: "grapevine event client secret"))
        eventSecrets = secrets
        intake = EventIntake(
            appender: log.appender, pace: pace,
            enricher: Enricher(
                hash: AddressHash(master: configuration.key),
                geo: try GeoFile.read(configuration.geoFile), readAgent: { agents.read($0) }),
            rejected: rejected,
            volumes: EventVolumes(
                store: VolumeStore(postgres: context.postgres), world: context.world),
            catalogues: CatalogueCache(uptime: Uptime.now) {
                var catalogue = try await types.catalogue(of: $0)
                catalogue.secrets = try await secrets.keys(of: $0)
                return catalogue
            }, clock: context.world.clock)
        webhookSources = WebhookSourceStore(postgres: context.postgres)
        generations = GenerationRotation(store: log.retention, world: context.world)
    }

    package func background() -> [BackgroundTask] {
        let retention = SegmentRetention(
            store: log.retention, acknowledgements: log.acknowledgements,
            keep: configuration.retention, cap: configuration.retentionCap,
            world: context.world)
        let erasures = ErasureWork(
            store: ErasureStore(postgres: context.postgres), log: log, tail: log.tail,
            world: context.world)
        return [
            BackgroundTask("generations") { [generations] in try await generations.run() },
            BackgroundTask("identities") { await log.learnIdentities() },
            BackgroundTask("acknowledgements") { await log.acknowledgements.run() },
            BackgroundTask("wake-ups") { await log.wakeUps.run() },
            .periodic("erasures", every: .seconds(5), telemetry: context.telemetry) {
                try await erasures.run()
            },
            .periodic("retention", every: .seconds(600), telemetry: context.telemetry) {
                try await retention.run()
            },
            .periodic("rejected-events", every: .seconds(600), telemetry: context.telemetry) {
                [intake] in
                try await intake.rejected.tidy()
                try await intake.volumes.tidy()
            },
            BackgroundTask("volumes") { [intake] in await intake.volumes.run() },
        ]
    }

    package func readiness() -> [ReadinessCheck] { [generations.readiness] }
}
