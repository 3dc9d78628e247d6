import HTTPKit
import Kernel
import ServiceKit

/// `GET /v1/portal/dashboard/events`: the last events, newest first.
struct ListEvents: Sendable {
    let events: EventListStore
    let world: World

    func respond(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        let scope = try DashboardScope(request, principal, world: world)
        let page = try request.query.page()
        let rows = try await events.list(
            scope, before: try EventCursor(page), limit: page.limit + 1)
        let cut = Page(rows: rows, limit: page.limit) { $0.cursor.text }
        return .json(
            Page(data: cut.data.map(EventAnswer.init(event:)), nextCursor: cut.nextCursor))
    }
}

extension EventCursor {
    /// Where a page begins; nil for the first. Throws 400 for what no page gave.
    init?(_ page: PageRequest) throws(Problem) {
        guard let text = page.cursor else { return nil }
        guard let cursor = EventCursor(text) else { throw .invalidCursor }
        self = cursor
    }
}

/// An event as the portal shows it.
struct EventAnswer: Codable, Sendable {
    let eventID: String
    let event: String
    let campaignID: CampaignID?
    let participantID: ParticipantID?
    let externalID: String?
    let trust: String
    let subject: String?
    let properties: JSONValue
    let occurredAt: Timestamp
    let receivedAt: Timestamp

    private enum CodingKeys: String, CodingKey {
        case event, trust, subject, properties
        case eventID = "event_id"
        case campaignID = "campaign_id"
        case participantID = "participant_id"
        case externalID = "external_id"
        case occurredAt = "occurred_at"
        case receivedAt = "received_at"
    }

    init(event: ArchivedEvent) {
        eventID = event.eventID
        self.event = event.event
        campaignID = event.campaignID
        participantID = event.participantID
        externalID = event.externalID
        trust = event.trust
        subject = event.subject
        properties = event.properties
        occurredAt = event.occurredAt
        receivedAt = event.receivedAt
    }
}
