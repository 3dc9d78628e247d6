import Contracts
package import HTTPKit
import Kernel
import ServiceKit

extension EventService {
    /// Every route of the service.
    package func routes(_ router: inout Router) {
        let ingest = IngestEvents(intake: EventIntake(appender: log.appender))
        let append = AppendMessages(log: log, webhookSources: webhookSources)
        let feed = ReadFeed(log: log)
        router.group(sdk) { group in
            group.post("/events", limits: IngestEvents.limits, handler: ingest.respond)
        }
        webhookRoutes(&router)
        router.group(context.audiences.internal) { group in
            group.on(EventContracts.append) { input, _, _ in try await append.respond(input) }
            group.on(EventContracts.shards) { [log] _, _, _ in
                // Nobody waits for the heads: while PostgreSQL is away, each shard is asked.
                LogShardsResponse(count: ShardMap.installed.count, heads: try? await log.heads())
            }
            group.get("/feed") { request, _ in try await feed.respond(request) }
        }
    }

    private var sdk: Audience<SDKPrincipal> {
        context.audiences.sdk(
            limits: AudienceLimits(
                perKey: RateLimitPolicy(
                    "events", limit: configuration.requestsPerSecondPerKey, per: .seconds(1))),
            bodyLimitBytes: IngestEvents.maximumBytes)
    }
}
