package import Contracts
import HTTPKit
package import Kernel
import MessagingKit
package import PostgresKit
package import ServiceKit

/// Templates, mail and webhooks out.
package struct NotificationService: Service {
    package static let name = ServiceName.notification
    package static let summary =
        "Renders templates, sends mail, and tells clients' endpoints what happened."
    package static let crashPoints = NotificationCrashPoint.all
    package static var openAPI: [UInt8]? { PackageResources.openapi_json }
    package static let migrations = MessagingMigrations.all + NotificationMigrations.all

    let context: ServiceContext
    let configuration: NotificationConfiguration
    let secrets: NotificationSecrets
    let subscriber: Subscriber
    let outbox: Outbox
    let templates: TemplateStore
    let notifications: NotificationStore
    let suppressions: SuppressionStore
    let webhooks: WebhookStore
    let compiled: PublishedTemplates
    let mailLoop: SendingLoop<MailJob>
    private let mailClient: MailClient
    let webhookLoop: SendingLoop<WebhookJob>
    private let webhookClient: HTTPClient

    package init(
        _ configuration: NotificationConfiguration, _ context: ServiceContext
    ) async throws {
        let (world, postgres) = (context.world, context.postgres)
        let secrets = NotificationSecrets(key: configuration.key)
        let outbox = Outbox(
            service: .notification, postgres: postgres, log: context.log, world: world)
        self.context = context
        self.configuration = configuration
        self.secrets = secrets
        self.outbox = outbox
        templates = TemplateStore(postgres: postgres)
        notifications = NotificationStore(postgres: postgres)
        suppressions = SuppressionStore(postgres: postgres)
        webhooks = WebhookStore(postgres: postgres)
        compiled = PublishedTemplates(store: templates)
        let mailClient = MailClient(
            configuration.mailServer, limits: configuration.mailLimits, world: world)
        self.mailClient = mailClient
        mailLoop = Self.mailLoop(configuration, secrets, outbox, mailClient, context)
        let webhookClient = HTTPClient(configuration.webhookClient, world: world)
        self.webhookClient = webhookClient
        webhookLoop = Self.webhookLoop(configuration, secrets, webhookClient, context)
        let intake = WebhookIntake(
            queue: WebhookQueue(postgres: postgres), wake: webhookLoop.wake, world: world)
        subscriber = Subscriber(
            service: .notification, name: "notification", wanted: Wanted(types: WebhookRules.types),
            postgres: postgres, log: context.log, redis: context.redis, world: world,
            apply: { try await intake.apply($0, in: $1) })
    }

    package func background() -> [BackgroundTask] {
        let retention = configuration.retention
        return [
            BackgroundTask("outbox") { [outbox] in await outbox.run() },
            BackgroundTask("subscriber") { [subscriber] in await subscriber.run() },
            BackgroundTask("mail") { [mailLoop, mailClient] in
                await mailLoop.run()
                await mailClient.shutdown()
            },
            BackgroundTask("webhooks") { [webhookLoop, webhookClient] in
                await webhookLoop.run()
                await webhookClient.shutdown()
            },
            DatabasePurge.task("content-purge", telemetry: context.telemetry) {
                [notifications, webhooks, clock = context.world.clock] in
                let limit = clock.now() - retention
                let emptied = try await DatabasePurge.run(batch: 500) {
                    batch throws(PostgresError) in
                    try await notifications.emptyContent(finishedBefore: limit, atMost: batch)
                }
                return try await emptied
                    + DatabasePurge.run(batch: 500) { batch throws(PostgresError) in
                        try await webhooks.deleteDeliveries(
                            finishedBefore: limit, atMost: batch)
                    }
            },
        ]
    }

    package func readiness() -> [ReadinessCheck] {
        [.freshness("subscriber") { [subscriber] in subscriber.lastContact }]
    }
}

// MARK: - Wiring of the two queues

extension NotificationService {
    private static func mailLoop(
        _ configuration: NotificationConfiguration, _ secrets: NotificationSecrets,
        _ outbox: Outbox, _ client: MailClient, _ context: ServiceContext
    ) -> SendingLoop<MailJob> {
        let sending = MailSending(
            queue: MailQueue(
                postgres: context.postgres, outbox: outbox, messages: NotificationMessages(),
                rate: SendingRate(perMinute: configuration.mailsPerMinute),
                attemptLimit: configuration.mailSchedule.pauses.count + 1),
            client: client, sender: configuration.sender,
            links: UnsubscribeLinks(secrets: secrets, publicURL: configuration.publicURL),
            deadline: configuration.sendTimeout, leaseMargin: configuration.leaseMargin,
            schedule: configuration.mailSchedule, world: context.world)
        return SendingLoop(
            name: "mail", concurrency: configuration.mailConcurrency,
            patience: min(configuration.sendTimeout, .seconds(8)), telemetry: context.telemetry,
            wake: WakeSignal(), claim: { try await sending.claim($0) },
            recover: { try await sending.recover() }, perform: { await sending.perform($0) })
    }

    private static func webhookLoop(
        _ configuration: NotificationConfiguration, _ secrets: NotificationSecrets,
        _ client: HTTPClient, _ context: ServiceContext
    ) -> SendingLoop<WebhookJob> {
        let sending = WebhookSending(
            queue: WebhookQueue(postgres: context.postgres), http: client, secrets: secrets,
            targets: configuration.allowsPrivateTargets ? .any : .publicOnly,
            deadline: configuration.webhookTimeout, leaseMargin: configuration.leaseMargin,
            schedule: configuration.webhookSchedule, world: context.world)
        let wake = WakeSignal()
        return SendingLoop(
            name: "webhooks", concurrency: configuration.webhookConcurrency,
            patience: min(configuration.webhookTimeout, .seconds(8)),
            telemetry: context.telemetry, wake: wake, claim: { try await sending.claim($0) },
            recover: { try await sending.recover() },
            perform: { job in
                await sending.perform(job)
                // Its endpoint may have more, that waited for it.
                wake.raise()
            })
    }
}

extension NotificationConfiguration {
    fileprivate var mailLimits: MailClient.Limits {
        var limits = MailClient.Limits()
        limits.connections = mailConcurrency
        limits.underWay = mailConcurrency * 2
        return limits
    }

    /// Of its own: strangers' servers are slow and fail, and each has its own schedule instead of a
    /// circuit breaker.
    fileprivate var webhookClient: HTTPClientConfiguration {
        var client = HTTPClientConfiguration()
        client.connectTimeout = .seconds(5)
        client.connectionsInTotal = webhookConcurrency
        client.requestsUnderWay = webhookConcurrency * 2
        client.responseHeaderLimitBytes = 16 * 1024
        client.circuitBreaker.failureThreshold = .max
        client.userAgent = "grapevine-webhooks"
        return client
    }
}
