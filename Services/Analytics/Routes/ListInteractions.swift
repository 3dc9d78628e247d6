import HTTPKit
import Kernel
import ServiceKit

/// `GET /v1/portal/interactions`: what people did, newest first, by person, type, product, session
/// or key. A session's events lie side by side here, so that what a person did is seen with the
/// pages around it.
struct ListInteractions: Sendable {
    let events: EventListStore
    let world: World

    func respond(
        _ request: HTTPRequest, _ principal: PortalPrincipal
    ) async throws -> HTTPResponse {
        let scope = try DashboardScope(request, principal, world: world)
        let filter = try InteractionFilter(request.query)
        let page = try request.query.page()
        let rows = try await events.list(
            scope, filter, before: try EventCursor(page), limit: page.limit + 1)
        let cut = Page(rows: rows, limit: page.limit) { $0.cursor.text }
        return .json(
            Page(data: cut.data.map(InteractionAnswer.init(event:)), nextCursor: cut.nextCursor))
    }
}

extension InteractionFilter {
    fileprivate init(_ query: QueryParameters) throws(Problem) {
        participantID = try query.id("participant_id")
        externalID = try Self.text("external_id", query)
        anonymousID = try Self.text("anonymous_id", query)
        event = try Self.text("event", query)
        productID = try Self.text("product_id", query)
        sessionID = try Self.text("session_id", query)
        dedupKey = try Self.text("dedup_key", query)
    }

    /// As long as what events may carry.
    private static func text(
        _ name: String, _ query: QueryParameters
    ) throws(Problem) -> String? {
        guard let text = query[name] else { return nil }
        guard (1...200).contains(text.count) else {
            throw .invalid([
                .init(
                    pointer: "?\(name)", code: "invalid_value",
                    detail: "Use 1 to 200 characters.")
            ])
        }
        return text
    }
}

/// An interaction as the portal shows it: the event, and what it says of itself.
struct InteractionAnswer: Encodable, Sendable {
    let event: EventAnswer
    let anonymousID: String?
    let productID: String?
    let sessionID: String?
    let dedupKey: String?
    /// The client's ids of the same visit in other tools.
    let analyticsIDs: JSONValue?

    private enum CodingKeys: String, CodingKey {
        case anonymousID = "anonymous_id"
        case productID = "product_id"
        case sessionID = "session_id"
        case dedupKey = "dedup_key"
        case analyticsIDs = "analytics_ids"
    }

    init(event: ArchivedEvent) {
        self.event = EventAnswer(event: event)
        anonymousID = event.anonymousID
        productID = event.context["product_id"]?.string
        sessionID = event.context["session_id"]?.string
        dedupKey = event.context["dedup_key"]?.string
        analyticsIDs = event.context["analytics_ids"]
    }

    func encode(to encoder: any Encoder) throws {
        try event.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(anonymousID, forKey: .anonymousID)
        try container.encodeIfPresent(productID, forKey: .productID)
        try container.encodeIfPresent(sessionID, forKey: .sessionID)
        try container.encodeIfPresent(dedupKey, forKey: .dedupKey)
        try container.encodeIfPresent(analyticsIDs, forKey: .analyticsIDs)
    }
}
