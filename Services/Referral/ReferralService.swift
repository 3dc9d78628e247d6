package import Contracts
import HTTPKit
package import Kernel
import MessagingKit
package import PostgresKit
import SecurityKit
package import ServiceKit

/// Referral links, clicks, who brought whom, and conversions.
package struct ReferralService: Service {
    package static let name = ServiceName.referral
    package static let summary =
        "Gives out referral links, records clicks, and decides who brought whom."
    package static let crashPoints = ReferralCrashPoint.all
    package static var openAPI: [UInt8]? { PackageResources.openapi_json }
    package static let migrations = MessagingMigrations.all + ReferralMigrations.all

    let configuration: ReferralConfiguration
    let context: ServiceContext
    let hash: KeyedHash
    let subscriber: Subscriber
    let outbox: Outbox
    let campaigns: CampaignStore
    let definitions: DefinitionCache
    let links: LinkStore
    let clicks: ClickStore
    let referrals: ReferralStore
    let booking: ConversionBooking

    package init(_ configuration: ReferralConfiguration, _ context: ServiceContext) async throws {
        let (world, postgres) = (context.world, context.postgres)
        let outbox = Outbox(service: .referral, postgres: postgres, log: context.log, world: world)
        let messages = ReferralMessages(ids: world.ids)
        let campaigns = CampaignStore(postgres: postgres)
        let hash = Self.hash(configuration, context)
        let events = ReferralEvents(
            news: NewsTaking(campaigns: campaigns),
            attributions: AttributionStore(), outbox: outbox, messages: messages, hash: hash,
            ids: world.ids)
        self.configuration = configuration
        self.context = context
        self.hash = hash
        self.outbox = outbox
        self.campaigns = campaigns
        subscriber = Subscriber(
            service: .referral, name: "referral", wanted: ReferralEvents.wanted,
            postgres: postgres, log: context.log, redis: context.redis, world: world,
            apply: { try await events.apply($0, in: $1) })
        definitions = DefinitionCache(store: campaigns)
        links = LinkStore(
            postgres: postgres, outbox: outbox, messages: messages, world: world,
            random: { SecureRandom.bytes($0) })
        clicks = ClickStore(postgres: postgres, outbox: outbox, messages: messages, world: world)
        referrals = ReferralStore(postgres: postgres)
        booking = ConversionBooking(
            conversions: ConversionStore(postgres: postgres, world: world),
            decisions: DecisionStore(postgres: postgres), outbox: outbox, messages: messages,
            world: world)
    }

    /// Ed25519 signatures are always the same for the same text: a secret of the service's own key.
    private static func hash(
        _ configuration: ReferralConfiguration, _ context: ServiceContext
    ) -> KeyedHash {
        if let secret = configuration.hashSecret { return KeyedHash(secret: Array(secret.utf8)) }
        let text = Array("grapevine.referral.hash-secret.v1".utf8)
        return KeyedHash(secret: context.configuration.serviceKey.sign(text))
    }

    package func background() -> [BackgroundTask] {
        let retention = configuration.clickRetention
        return [
            BackgroundTask("outbox") { [outbox] in await outbox.run() },
            BackgroundTask("subscriber") { [subscriber] in await subscriber.run() },
            DatabasePurge.task("old clicks", telemetry: context.telemetry) { [clicks, context] in
                let limit = context.world.clock.now() - retention
                return try await DatabasePurge.run(batch: 1000) { batch throws(PostgresError) in
                    try await clicks.delete(before: limit, atMost: batch)
                }
            },
        ]
    }

    package func readiness() -> [ReadinessCheck] {
        [.freshness("subscriber") { [subscriber] in subscriber.lastContact }]
    }
}
