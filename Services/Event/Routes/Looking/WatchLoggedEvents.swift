import Contracts
import HTTPKit
import Kernel
import ServiceKit

/// `GET /v1/portal/events/live`: what comes, and what is not taken, as server-sent events.
struct WatchLoggedEvents: Sendable {
    private enum Shown: String, CaseIterable { case all, accepted, rejected }

    let log: LocalLog
    let rejected: RejectedEventStore
    let seats: WatchSeats
    let clock: any TimeSource
    let authenticate: @Sendable (HTTPRequest) async throws -> PortalPrincipal

    func respond(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse
    {
        try principal.require(ReadRejections.scope)
        let clientID = principal.clientID
        let shown = try request.query.choice("show", as: Shown.self) ?? .all
        let filter = LoggedEventFilter(
            type: request.query["event"], participant: request.query["participant"],
            showsMessages: request.query["messages"] == "true")
        let after = try Self.position(request, of: clientID)
        // Told before the answer begins; taken within it, so that one that is never read leaves
        // no seat taken.
        try seats.check(clientID)
        let authorize: @Sendable () async throws -> Void = { [authenticate] in
            let now = try await authenticate(request)
            try now.require(ReadRejections.scope)
            guard now.clientID == clientID else { throw Problem.notFound("client") }
        }
        return .stream(
            contentType: MediaType.eventStream,
            // The gateway must pass on what there is.
            headers: ["Cache-Control": "no-store", "X-Accel-Buffering": "no"]
        ) { [seats, log, rejected, clock] writer in
            try seats.take(clientID)
            defer { seats.leave(clientID) }
            try await writer.write("retry: 2000\n: live\n\n")
            let watch = EventWatch(
                clientID: clientID, filter: filter, showsAccepted: shown != .rejected,
                showsRejected: shown != .accepted, log: log.pages, rejected: rejected,
                clock: clock, authorize: authorize,
                tell: { news in try await writer.write(Self.block(news)) })
            try await watch.run(after: after)
        }
    }

    /// One block of the event stream format.
    private static func block(_ news: EventWatch.News) throws -> [UInt8] {
        switch news {
        case .nothing: Array(": heartbeat\n\n".utf8)
        case .skipped(let count):
            Array("event: skipped\ndata: {\"count\":\(count.map(String.init) ?? "null")}\n\n".utf8)
        case .accepted(let event):
            Array("id: \(event.event.position)\nevent: accepted\ndata: ".utf8)
                + (try JSONCoding.encode(LoggedEventAnswer(event))) + Array("\n\n".utf8)
        case .rejected(let event):
            Array("event: rejected\ndata: ".utf8)
                + (try JSONCoding.encode(RejectionAnswer(event))) + Array("\n\n".utf8)
        }
    }

    /// Where a viewer that comes back has been.
    private static func position(
        _ request: HTTPRequest, of client: ClientID
    ) throws(Problem) -> Int? {
        guard let text = request.headers["Last-Event-ID"] ?? request.query["last_event_id"],
            !text.isEmpty
        else { return nil }
        guard let position = LogPosition(text),
            position.shard == ShardMap.installed.shard(of: client)
        else {
            throw .badRequest(
                "invalid_last_event_id", "Use the id of an event of this stream.",
                pointer: "?last_event_id")
        }
        return position.position
    }
}
