import Contracts
import HTTPKit
import Kernel
import ServiceKit

/// The routes by which a client sees what is in the log.
struct ReadEvents: Sendable {
    let events: LoggedEvents
    let way: EventWay

    /// `GET /v1/portal/events`: the last ones, newest first; or those with an id.
    func list(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(ReadRejections.scope)
        let page = try request.query.page()
        if let eventID = request.query["event_id"] {
            let found = try await events.find(eventID: eventID, of: principal.clientID)
            return .json(Page(data: found.map(LoggedEventAnswer.init), nextCursor: nil))
        }
        let before = try page.cursor.map { text throws(Problem) in
            guard let position = LogPosition(text)?.position else { throw .invalidCursor }
            return position
        }
        let filter = LoggedEventFilter(
            type: request.query["event"], participant: request.query["participant"],
            showsMessages: request.query["messages"] == "true")
        let found = try await events.list(
            of: principal.clientID, filter, before: before, limit: page.limit)
        let shard = ShardMap.installed.shard(of: principal.clientID)
        return .json(
            Page(
                data: found.events.map(LoggedEventAnswer.init),
                nextCursor: found.next.map { "\(LogPosition(shard: shard, position: $0))" }))
    }

    /// `GET /v1/portal/events/{position}`: one event and its way.
    func one(_ request: HTTPRequest, _ principal: PortalPrincipal) async throws -> HTTPResponse {
        try principal.require(ReadRejections.scope)
        guard let position = request.pathParameters["position"].flatMap({ LogPosition($0) }),
            let event = try await events.find(at: position, of: principal.clientID)
        else { throw Problem.notFound("event") }
        return .json(
            TracedEventAnswer(event: LoggedEventAnswer(event), way: try await way.follow(event)))
    }
}

/// An event of the log as the portal shows it.
struct LoggedEventAnswer: Sendable, Encodable {
    struct Person: Sendable, Encodable {
        let participantID: ParticipantID?
        let externalID: String?
        let anonymousID: String?

        private enum CodingKeys: String, CodingKey {
            case participantID = "participant_id"
            case externalID = "external_id"
            case anonymousID = "anonymous_id"
        }
    }

    let position: LogPosition
    let eventID: String
    let event: String
    let campaignID: CampaignID?
    let participant: Person?
    let trust: Trust
    let subject: String?
    let properties: JSONValue
    let context: JSONValue?
    let occurredAt: Timestamp
    let receivedAt: Timestamp
    let committedAt: Timestamp?

    private enum CodingKeys: String, CodingKey {
        case position, event, participant, trust, subject, properties, context
        case eventID = "event_id"
        case campaignID = "campaign_id"
        case occurredAt = "occurred_at"
        case receivedAt = "received_at"
        case committedAt = "committed_at"
    }

    init(_ logged: LoggedEvent) {
        let event = logged.event
        position = event.position
        eventID = event.eventID
        self.event = event.type
        campaignID = event.campaignID
        participant = event.participant.map {
            Person(
                participantID: $0.participantID, externalID: $0.externalID,
                anonymousID: $0.anonymousID)
        }
        trust = event.trust
        subject = event.subject
        properties = event.properties
        context = event.context
        occurredAt = event.occurredAt
        receivedAt = event.receivedAt
        committedAt = logged.committedAt
    }
}

/// An event with its way, as one object.
struct TracedEventAnswer: Sendable, Encodable {
    let event: LoggedEventAnswer
    let way: EventWay.Answer

    private enum CodingKeys: String, CodingKey { case way }

    func encode(to encoder: any Encoder) throws {
        try event.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(way, forKey: .way)
    }
}
