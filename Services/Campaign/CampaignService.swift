package import Contracts
package import Kernel
import MessagingKit
package import PostgresKit
package import ServiceKit

/// Campaign definitions and their life. Executes nothing: it tells the others by message.
package struct CampaignService: Service {
    package static let name = ServiceName.campaign
    package static let summary =
        "Keeps campaign definitions and their revisions, and tells the others when they change."
    package static let crashPoints = CampaignCrashPoint.all
    package static var openAPI: [UInt8]? { PackageResources.openapi_json }
    package static let migrations = MessagingMigrations.all + CampaignMigrations.all

    let configuration: CampaignConfiguration
    let context: ServiceContext
    let store: CampaignStore
    let changes: CampaignChanges
    private let outbox: Outbox
    private let clocks: Subscriber

    package init(
        _ configuration: CampaignConfiguration, _ context: ServiceContext
    ) async throws {
        self.configuration = configuration
        self.context = context
        store = CampaignStore(postgres: context.postgres)
        outbox = Outbox(
            service: .campaign, postgres: context.postgres, log: context.log, world: context.world)
        changes = CampaignChanges(store: store, outbox: outbox, context: context)
        let clientClocks = ClientClocks()
        clocks = Subscriber(
            service: .campaign, name: "campaign", wanted: Wanted(types: ClientClocks.types),
            postgres: context.postgres, log: context.log, redis: context.redis,
            world: context.world, configuration: SubscriberConfiguration(),
            apply: { try await clientClocks.apply($0, $1) })
    }

    package func background() -> [BackgroundTask] {
        [
            BackgroundTask("outbox") { await outbox.run() },
            BackgroundTask("subscriber") { await clocks.run() },
            .periodic("completion", every: .seconds(5), telemetry: context.telemetry) {
                try await changes.completeEnded()
            },
        ]
    }

    package func readiness() -> [ReadinessCheck] {
        [.freshness("subscriber") { clocks.lastContact }]
    }
}
