import Contracts
package import HTTPKit
import Kernel
import ServiceKit

extension EventService {
    /// Every route of the service.
    package func routes(_ router: inout Router) {
        let ingest = IngestEvents(intake: intake)
        let append = AppendMessages(log: log, webhookSources: webhookSources)
        let feed = ReadFeed(log: log)
        router.group(sdk(IngestEvents.keys)) { group in
            group.post("/events", limits: IngestEvents.limits, handler: paced(ingest.respond))
        }
        mountClients(&router)
        webhookRoutes(&router)
        rejectedEventRoutes(&router)
        erasureRoutes(&router)
        eventTypeRoutes(&router)
        eventSecretRoutes(&router)
        lookingRoutes(&router)
        router.group(context.audiences.internal) { group in
            group.on(EventContracts.append) { input, _, _ in try await append.respond(input) }
            group.on(EventContracts.shards) { [log] _, _, _ in
                // Nobody waits for the heads: while PostgreSQL is away, each shard is asked.
                LogShardsResponse(count: ShardMap.installed.count, heads: try? await log.heads())
            }
            group.get("/feed") { request, _ in try await feed.respond(request) }
        }
    }

    /// How a client has people forgotten.
    private func erasureRoutes(_ router: inout Router) {
        let manage = ManageErasures(
            store: ErasureStore(postgres: context.postgres), shards: .installed, context: context)
        router.group(context.audiences.portal) { group in
            group.get("/erasures", handler: manage.list)
            group.post("/erasures", handler: manage.create)
            group.get("/erasures/{erasure_id}", handler: manage.one)
        }
    }

    /// The fronts for other people's clients, which differ in where they put the key.
    private func mountClients(_ router: inout Router) {
        let segment = SegmentFront(front: ClientFront(intake: intake, name: .segment))
        router.group(sdk(SegmentFront.keys)) { group in
            group.post(
                "/segment/v1/{call}", limits: ClientFront.limits, handler: paced(segment.respond))
            group.get(
                "/segment/v1/projects/{write_key}/settings", handler: segment.settings)
        }
        let postHog = PostHogFront(front: ClientFront(intake: intake, name: .posthog))
        router.group(sdk(PostHogFront.keys)) { group in
            group.post(
                "/posthog/{call}", limits: ClientFront.limits, handler: paced(postHog.respond))
            group.post("/posthog/i/v0/e", limits: ClientFront.limits, handler: paced(postHog.take))
            group.post(
                "/posthog/i/v1/analytics/events", limits: ClientFront.limits,
                handler: paced(postHog.takeListed))
        }
        let cloudEvents = CloudEventsFront(front: ClientFront(intake: intake, name: .cloudevents))
        router.group(sdk(CloudEventsFront.keys)) { group in
            group.post(
                "/cloudevents", limits: ClientFront.limits, handler: paced(cloudEvents.respond))
        }
    }

    /// The same, as fast as the client may send.
    private func paced(
        _ handler: @escaping @Sendable (HTTPRequest, SDKPrincipal) async throws -> HTTPResponse
    ) -> @Sendable (HTTPRequest, SDKPrincipal) async throws -> HTTPResponse {
        { [pace = intake.pace] request, principal in
            try await pace.admit(
                principal.clientID, bodyBytes: request.body.count, at: request.context.receivedAt)
            return try await handler(request, principal)
        }
    }

    private func sdk(_ keys: KeyPlaces) -> Audience<SDKPrincipal> {
        context.audiences.sdk(
            limits: AudienceLimits(
                perKey: RateLimitPolicy(
                    "events", limit: configuration.requestsPerSecondPerKey, per: .seconds(1))),
            keys: keys)
    }
}
