package import Contracts
import DurableKit
package import Kernel
import MessagingKit
package import PostgresKit
package import ServiceKit

/// The durable runs of campaigns: events start them, other services do what they ask for.
package struct WorkflowService: Service {
    package static let name = ServiceName.workflow
    package static let summary =
        "Matches events with campaigns and runs each match to its end, whatever crashes."
    package static let crashPoints =
        DurableCrashPoints.all(prefix: "workflow") + MessagingCrashPoints.all(.workflow)
    package static var openAPI: [UInt8]? { PackageResources.openapi_json }
    package static let migrations =
        MessagingMigrations.all + DurableMigrations.all + WorkflowMigrations.all

    let context: ServiceContext
    let runs: RunStore
    let engine: WorkflowEngine
    private let outbox: Outbox
    let subscriber: Subscriber

    package init(
        _ configuration: WorkflowConfiguration, _ context: ServiceContext
    ) async throws {
        self.context = context
        let campaigns = CampaignStore(postgres: context.postgres)
        runs = RunStore(postgres: context.postgres)
        outbox = Outbox(
            service: .workflow, postgres: context.postgres, log: context.log, world: context.world)
        engine = Self.engine(configuration, context, RunEnds(outbox: outbox))
        let peers = PulsePeers(
            campaignService: context.peer(.campaign), rewardService: context.peer(.reward),
            referralService: context.peer(.referral),
            notificationService: context.peer(.notification))
        let statuses = CampaignStatuses(campaigns: campaigns)
        let effects = PulseEffects(retryLimit: configuration.retryLimit, campaigns: statuses)
        engine.register(SignupPulse(peers: peers, effects: effects))
        engine.register(ConversionPulse(peers: peers, effects: effects))
        let intake = EventIntake(
            campaigns: campaigns, statuses: statuses, runs: runs, engine: engine,
            world: context.world)
        subscriber = Subscriber(
            service: .workflow, name: "workflow", wanted: EventIntake.instructions,
            changes: ChangingWants(
                made: { EventIntake.triggers(of: $0) },
                read: { try await campaigns.triggers(shard: $0) }),
            postgres: context.postgres, log: context.log, redis: context.redis,
            world: context.world,
            apply: { try await intake.apply($0, $1) })
    }

    private static func engine(
        _ configuration: WorkflowConfiguration, _ context: ServiceContext, _ ends: RunEnds
    ) -> WorkflowEngine {
        var settings = EngineConfiguration(
            crashPointPrefix: "workflow", workerName: name.executableName)
        settings.slots = configuration.slots
        settings.claimLimit = configuration.slots
        settings.classify = { PulseFailures.classify($0) }
        return WorkflowEngine(
            postgres: context.postgres, world: context.world, configuration: settings,
            onFinish: { try await ends.record($0, $1) })
    }

    package func background() -> [BackgroundTask] {
        [
            BackgroundTask("engine") { await engine.run() },
            BackgroundTask("subscriber") { await subscriber.run() },
            BackgroundTask("outbox") { await outbox.run() },
        ]
    }

    package func readiness() -> [ReadinessCheck] {
        [.freshness("subscriber") { subscriber.lastContact }]
    }
}
