package import Contracts
import HTTPKit
package import Kernel
import MessagingKit
package import PostgresKit
package import ServiceKit

/// Eligibility, rewards and their states, budgets and the ledger.
package struct RewardService: Service {
    package static let name = ServiceName.reward
    package static let summary =
        "Decides who is eligible, gives and moves rewards, and keeps budgets and the ledger."
    package static let crashPoints = RewardCrashPoint.all
    package static var openAPI: [UInt8]? { PackageResources.openapi_json }
    package static let migrations = MessagingMigrations.all + RewardMigrations.all

    let context: ServiceContext
    let subscriber: Subscriber
    let outbox: Outbox
    let campaigns: CampaignStore
    let definitions: DefinitionCache
    let granting: Granting
    let profiles: ProfileLookUp
    let checking: Checking
    let rewards: RewardStore
    let decisions: DecisionStore
    let ledger: LedgerStore
    let audit: LedgerAudit

    package init(_ configuration: RewardConfiguration, _ context: ServiceContext) async throws {
        let (world, postgres) = (context.world, context.postgres)
        let outbox = Outbox(service: .reward, postgres: postgres, log: context.log, world: world)
        let messages = RewardMessages(ids: world.ids)
        let campaigns = CampaignStore(postgres: postgres, world: world)
        let news = NewsTaking(
            campaigns: campaigns, funding: FundingStore(world: world), telemetry: world.telemetry)
        self.context = context
        self.outbox = outbox
        self.campaigns = campaigns
        subscriber = Subscriber(
            service: .reward, name: "reward", wanted: Wanted(types: NewsTaking.types),
            postgres: postgres, log: context.log, redis: context.redis, world: world,
            apply: { try await news.apply($0, in: $1) })
        definitions = DefinitionCache(store: campaigns)
        granting = Granting(
            store: GrantStore(
                postgres: postgres, outbox: outbox, messages: messages, world: world),
            batchLimit: configuration.allocationBatchLimit, telemetry: world.telemetry)
        rewards = RewardStore(
            postgres: postgres, outbox: outbox, messages: messages, world: world)
        decisions = DecisionStore(postgres: postgres, faults: world.faults)
        profiles = ProfileLookUp(clientService: context.peer(.client))
        checking = Checking(
            campaigns: campaigns, decisions: decisions, profiles: profiles, world: world)
        ledger = LedgerStore(postgres: postgres)
        audit = LedgerAudit(postgres: postgres)
    }

    package func background() -> [BackgroundTask] {
        [
            BackgroundTask("outbox") { [outbox] in await outbox.run() },
            BackgroundTask("subscriber") { [subscriber] in await subscriber.run() },
        ]
    }

    package func readiness() -> [ReadinessCheck] {
        [.freshness("subscriber") { [subscriber] in subscriber.lastContact }]
    }
}
