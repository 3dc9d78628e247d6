import Contracts
import HTTPKit
import Kernel
import ServiceKit

/// The routes by which a client sees what was not taken, and why.
struct ReadRejections: Sendable {
    /// What a portal credential that has scopes at all must have here.
    static let scope = "events"
    private static let maximumReasons = 100

    let store: RejectedEventStore

    /// `GET /v1/portal/rejected-events`, newest first
    func list(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        let page = try request.query.page()
        let rows = try await store.list(
            of: principal.clientID, try RejectionFilter(request.query),
            before: try request.query.cursor(), limit: page.limit)
        return .json(
            Page(rows: rows, limit: page.limit) { $0.rejectionID.description }
                .map { RejectionAnswer($0) })
    }

    /// `GET /v1/portal/rejected-events/reasons`: how many there are for each
    func reasons(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        let reasons = try await store.reasons(
            of: principal.clientID, try RejectionFilter(request.query),
            limit: Self.maximumReasons)
        return .json(Page(data: reasons, nextCursor: nil))
    }

    /// `GET /v1/portal/rejected-events/{rejection_id}`, with what was sent
    func one(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(Self.scope)
        let id = try Self.id(request)
        guard let event = try await store.find(id, of: principal.clientID) else {
            throw RejectionFailure.unknown
        }
        return .json(RejectionAnswer(event, showsBody: true))
    }

    static func id(_ request: HTTPRequest) throws(RejectionFailure) -> RejectionID {
        guard let id = request.pathParameters["rejection_id"].flatMap({ RejectionID($0) }) else {
            throw .unknown
        }
        return id
    }
}

extension RejectionFilter {
    private static let maximumTextLength = 200

    /// What a query asks for. Throws 400 for a value that cannot be.
    init(_ query: QueryParameters) throws(Problem) {
        code = query["code"]
        type = query["event"]
        front = try query.choice("front")
        keyID = try query.id("key_id")
        sourceID = try query.id("source_id")
        eventID = query["event_id"]
        from = try query.time("from")
        to = try query.time("to")
        text = query["text"].flatMap { $0.isEmpty ? nil : $0 }
        state = try query.choice("state")
        for (name, text) in [
            ("code", code), ("event", type), ("event_id", eventID), ("text", text),
        ]
        where !Self.isSearchable(text) { throw Self.unsearchable("?\(name)") }
    }

    /// The database takes no NUL, and nothing longer is kept.
    static func isSearchable(_ text: String?) -> Bool {
        guard let text else { return true }
        return text.unicodeScalars.count <= maximumTextLength
            && !text.unicodeScalars.contains { $0.value == 0 }
    }

    static func unsearchable(_ pointer: String) -> Problem {
        .invalid([
            .init(
                pointer: pointer, code: "invalid_value",
                detail: "Use at most \(maximumTextLength) characters.")
        ])
    }
}

extension QueryParameters {
    /// A time; nil when absent. Throws 400 for anything else.
    func time(_ name: String) throws(Problem) -> Timestamp? {
        guard let text = self[name] else { return nil }
        guard let time = Timestamp(text) else {
            throw .invalid([
                .init(
                    pointer: "?\(name)", code: "invalid_value",
                    detail: "Use a time such as 2026-01-31T09:30:00.000Z.")
            ])
        }
        return time
    }
}

/// A rejected event as the portal shows it.
struct RejectionAnswer: Sendable, Encodable {
    struct Replay: Sendable, Encodable {
        let status: RejectedEvent.Replay.Status
        let at: Timestamp
        let code: String?
        let detail: String?
        let position: LogPosition?
    }

    let rejectionID: RejectionID
    let receivedAt: Timestamp
    let code: String
    let detail: String
    let pointer: String
    let eventID: String?
    let event: String?
    let front: EventFront
    let keyID: APIKeyID?
    let sourceID: WebhookSourceID?
    let trust: Trust
    let sizeBytes: Int
    let isCut: Bool
    let replay: Replay?
    let body: String?

    private enum CodingKeys: String, CodingKey {
        case code, detail, pointer, event, front, trust, replay, body
        case rejectionID = "rejection_id"
        case receivedAt = "received_at"
        case eventID = "event_id"
        case keyID = "key_id"
        case sourceID = "source_id"
        case sizeBytes = "size_bytes"
        case isCut = "is_cut"
    }

    init(_ event: RejectedEvent, showsBody: Bool = false) {
        rejectionID = event.rejectionID
        receivedAt = event.receivedAt
        code = event.reason.code
        detail = event.reason.detail
        pointer = event.reason.pointer
        eventID = event.eventID
        self.event = event.sent.type
        front = event.door.front
        keyID = event.door.keyID
        sourceID = event.door.sourceID
        trust = event.trust
        sizeBytes = event.sentBytes
        isCut = event.isCut
        let shard = ShardMap.installed.shard(of: event.clientID)
        replay = event.replay.map { replay in
            Replay(
                status: replay.status, at: replay.at, code: replay.code, detail: replay.detail,
                position: replay.position.map { LogPosition(shard: shard, position: $0) })
        }
        body = showsBody ? String(decoding: event.sent.bytes, as: UTF8.self) : nil
    }
}
