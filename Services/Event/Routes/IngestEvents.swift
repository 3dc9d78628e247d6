import Contracts
import HTTPKit
import Kernel
import ServiceKit

/// `POST /v1/sdk/events`: takes a batch of events; one bad event never takes good ones with it.
struct IngestEvents: Sendable {
    /// The largest body, in bytes.
    static let maximumBytes = 500_000
    /// The most events in one body.
    static let maximumEvents = 2500
    /// Beacons call their JSON plain text, so that the browser asks nobody first.
    static let limits = RouteLimits(
        bodyLimitBytes: maximumBytes, contentTypes: [MediaType.json, MediaType.plainText])
    /// Beacons cannot set a header.
    static let keys = KeyPlaces(query: ["key"])

    let intake: EventIntake

    func respond(_ request: HTTPRequest, _ principal: SDKPrincipal) async throws -> HTTPResponse {
        let batch = try Batch(reading: request.body, at: request.context.receivedAt)
        var context = IngestContext(request, principal, .native)
        context.userToken = context.userToken ?? batch.body[UserToken.member]?.string
        let results = try await intake.take(batch.readings, context) { place in
            SentEvent(batch.events[place], typedBy: "event", at: place, sentAt: batch.sentAt)
        }
        return .bytes(IngestReply.bytes(results), contentType: MediaType.json, status: 202)
    }

    /// A body as it was read.
    struct Batch: Sendable {
        let body: JSONSlice
        let events: [JSONSlice]
        let sentAt: Timestamp?
        /// One of each event.
        let readings: [EventReading]

        /// Throws when the batch as a whole cannot be read; an event that cannot is a rejection.
        init(reading bytes: [UInt8], at receivedAt: Timestamp) throws(Problem) {
            body = try JSONSlice(parsing: bytes)
            events = try IngestEvents.events(in: body)
            sentAt = try IngestEvents.sentAt(in: body)
            let clock = SenderClock(receivedAt: receivedAt, sentAt: sentAt)
            var last: IncomingEvent?
            readings = events.map { slice in
                do throws(EventRejection) {
                    let event = try IncomingEvent(slice, clock, after: last)
                    last = event
                    return .event(event)
                } catch {
                    return .rejected(eventID: slice["event_id"]?.string, error)
                }
            }
        }
    }

    private static func sentAt(in body: JSONSlice) throws(Problem) -> Timestamp? {
        guard let told = body["sent_at"], told.kind != .null else { return nil }
        guard let time = told.string.flatMap({ Timestamp($0) }) else {
            throw .badRequest(
                "invalid_sent_at", "'sent_at' is a time such as 2026-01-31T09:30:00.000Z.",
                pointer: "/sent_at")
        }
        return time
    }

    private static func events(in body: JSONSlice) throws(Problem) -> [JSONSlice] {
        guard let list = body["events"], list.kind == .array else {
            throw .badRequest(
                "events_required", "Send {\"events\": […]}.", pointer: "/events")
        }
        let events = list.elements
        guard (1...maximumEvents).contains(events.count) else {
            throw .badRequest(
                "invalid_event_count", "Send 1 to \(maximumEvents) events at a time.",
                pointer: "/events")
        }
        return events
    }
}

extension IngestContext {
    /// What a request with an API key says of its events.
    init(_ request: HTTPRequest, _ principal: SDKPrincipal, _ front: EventFront) {
        self.init(
            clientID: principal.clientID, trust: principal.trust,
            receivedAt: request.context.receivedAt,
            traceparent: request.context.trace.traceparent,
            door: EventDoor(front: front, keyID: principal.keyID),
            origin: principal.trust < .server ? EventOrigin(request) : EventOrigin(),
            signed: SignedBody(
                signature: request.headers[BodySignature.header], body: request.body),
            userToken: request.headers[UserToken.header])
        foreseenEvents = EventPace.foreseen(request.body.count)
    }
}

extension EventOrigin {
    /// What a browser's request shows.
    init(_ request: HTTPRequest) {
        self.init(
            address: request.remoteAddress, userAgent: request.headers["User-Agent"],
            hints: ClientHints { request.headers[$0] })
    }
}
