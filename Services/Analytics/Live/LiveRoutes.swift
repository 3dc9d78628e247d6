import Contracts
import HTTPKit
import Kernel
import ServiceKit

extension AnalyticsService {
    /// What a dashboard follows while it is open.
    func live(_ router: inout Router) {
        let audience = LiveToken.audience(context.audiences.portal)
        let watch = WatchEvents(feed: liveFeed, authenticate: audience.authenticate)
        router.group(audience) { group in
            group.get("/live", handler: watch.respond)
        }
    }
}

/// `GET /v1/portal/live`: the client's events as they come, as server-sent events or a WebSocket.
struct WatchEvents: Sendable {
    static let scope = "analytics:read"

    let feed: LiveFeed
    let authenticate: @Sendable (HTTPRequest) async throws -> PortalPrincipal

    func respond(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        let campaignID = try Self.campaign(request)
        let after = try Self.position(request)
        let authenticate = authenticate
        let clientID = principal.clientID
        let authorize: @Sendable () async throws -> Void = {
            let now = try await authenticate(request)
            try now.require(Self.scope)
            guard now.clientID == clientID else { throw Problem.notFound("client") }
        }
        // Within the answer: one that is never read must not leave a view behind.
        let open: @Sendable () async throws -> LiveView = { [feed] in
            LiveView(
                feed: feed,
                subscription: try await feed.open(clientID: clientID, campaignID: campaignID),
                after: after, authorize: authorize)
        }
        // What would refuse it is told before the answer begins.
        try await feed.prepare(clientID: clientID)
        if request.wantsWebSocket { return Self.socket(request, open) }
        return Self.stream(open)
    }

    private static func stream(_ open: @escaping @Sendable () async throws -> LiveView)
        -> HTTPResponse
    {
        .stream(
            contentType: MediaType.eventStream,
            // The gateway must pass on what there is.
            headers: ["Cache-Control": "no-store", "X-Accel-Buffering": "no"]
        ) { writer in
            _ = try await open().run(LiveEventStream(writer: writer))
        }
    }

    private static func socket(
        _ request: HTTPRequest, _ open: @escaping @Sendable () async throws -> LiveView
    ) -> HTTPResponse {
        var options = WebSocketOptions()
        options.maximumMessageBytes = 4 << 10
        options.chooseProtocol = LiveToken.choose
        return .webSocket(to: request, options: options) { socket in
            do {
                let view = try await open()
                try await LiveSocket(socket: socket).run(view)
            } catch is Problem {
                socket.close(.tryAgainLater)
            }
        }
    }

    private static func campaign(_ request: HTTPRequest) throws(Problem) -> CampaignID? {
        guard let text = request.query["campaign_id"] else { return nil }
        guard let id = CampaignID(text) else {
            throw .badRequest(
                "invalid_campaign_id", "Use a campaign's id.", pointer: "?campaign_id")
        }
        return id
    }

    /// Where a viewer that comes back has been; pages cannot set the header on a WebSocket.
    private static func position(_ request: HTTPRequest) throws(Problem) -> LogPosition? {
        guard let text = request.headers["Last-Event-ID"] ?? request.query["last_event_id"],
            !text.isEmpty
        else { return nil }
        guard let position = LogPosition(text) else {
            throw .badRequest(
                "invalid_last_event_id", "Use the id of an event of this stream.",
                pointer: "?last_event_id")
        }
        return position
    }
}
