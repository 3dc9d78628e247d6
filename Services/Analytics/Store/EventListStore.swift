import ClickHouseKit
import FoundationEssentials
import HTTPKit
import Kernel

/// An event as the archive has it.
struct ArchivedEvent: Sendable, ClickHouseRowDecodable {
    let eventID: String
    let event: String
    let campaignID: CampaignID?
    let participantID: ParticipantID?
    let externalID: String?
    let anonymousID: String?
    let trust: String
    let subject: String?
    let properties: JSONValue
    /// What else the sender said; null when nothing.
    let context: JSONValue
    let occurredAt: Timestamp
    let receivedAt: Timestamp
    let cursor: EventCursor

    init(row: ClickHouseRow) throws(ClickHouseError) {
        eventID = try row.get("event_id")
        event = try row.get("event")
        let campaign: UUID = try row.get("campaign_id")
        campaignID = campaign == EventFacts.noID ? nil : CampaignID(campaign)
        let participant: UUID = try row.get("participant_id")
        participantID = participant == EventFacts.noID ? nil : ParticipantID(participant)
        let external: String = try row.get("external_id")
        externalID = external.isEmpty ? nil : external
        let anonymous: String = try row.get("anonymous_id")
        anonymousID = anonymous.isEmpty ? nil : anonymous
        trust = try row.get("trust")
        let subject: String = try row.get("subject")
        self.subject = subject.isEmpty ? nil : subject
        properties = try Self.document("properties", row)
        context = try Self.document("context", row)
        let occurred: Int = try row.get("occurred_at_milliseconds")
        occurredAt = Timestamp(microseconds: Int64(occurred) * 1000)
        receivedAt = Timestamp(
            microseconds: Int64(try row.get("received_at_milliseconds", as: Int.self)) * 1000)
        cursor = EventCursor(milliseconds: occurred, position: try row.get("position"))
    }
}

extension ArchivedEvent {
    private static func document(
        _ name: String, _ row: ClickHouseRow
    ) throws(ClickHouseError) -> JSONValue {
        let text: String = try row.get(name)
        if text.isEmpty { return .null }
        guard let document = try? JSONCoding.parse(Array(text.utf8)) else {
            throw .unreadable("the event's \(name)")
        }
        return document
    }
}

/// The last events, newest first.
struct EventListStore: Sendable {
    private static let deadline = Duration.seconds(5)
    /// How far back is looked, step by step: most who ask want what was just now, and a short
    /// range touches few parts of the table.
    private static let windows: [Duration] = [
        .seconds(3600), .seconds(86_400), .seconds(31 * 86_400),
        .seconds(Int64(DashboardScope.maximumDays) * 86_400),
    ]

    let client: ClickHouseClient

    /// Events of the scope that happened before `cursor`, at most `limit`; with a filter only
    /// clients' own that pass it.
    func list(
        _ scope: DashboardScope, _ filter: InteractionFilter? = nil, before cursor: EventCursor?,
        limit: Int
    ) async throws(ClickHouseError) -> [ArchivedEvent] {
        let end = cursor.map { Timestamp(microseconds: Int64($0.milliseconds) * 1000) }
        let last = min(scope.to, end ?? scope.to)
        var found: [ArchivedEvent] = []
        for window in Self.windows {
            let first = max(scope.from, last - window)
            found = try await list(scope, filter, from: first, before: cursor, limit: limit)
            if found.count == limit || first == scope.from { break }
        }
        return found
    }

    private func list(
        _ scope: DashboardScope, _ filter: InteractionFilter?, from first: Timestamp,
        before cursor: EventCursor?, limit: Int
    ) async throws(ClickHouseError) -> [ArchivedEvent] {
        var condition: ClickHouseSQL = """
            client_id = \(scope.clientID) AND occurred_at >= \(first) AND occurred_at < \(scope.to)
            """
        if let campaign = scope.campaignID { condition += " AND campaign_id = \(campaign)" }
        if let filter { condition += Self.condition(filter) }
        if let cursor {
            let time = Timestamp(microseconds: Int64(cursor.milliseconds) * 1000)
            condition += """
                 AND occurred_at <= \(time) AND (occurred_at_milliseconds < \(cursor.milliseconds)
                    OR (occurred_at_milliseconds = \(cursor.milliseconds)
                        AND position < \(cursor.position)))
                """
        }
        return try await client.query(
            """
            SELECT event_id, event, campaign_id, participant_id, external_id, anonymous_id, trust,
                subject, properties, context, occurred_at_milliseconds, received_at_milliseconds,
                position
            FROM events WHERE \(condition)
            ORDER BY occurred_at_milliseconds DESC, position DESC
            LIMIT 1 BY position LIMIT \(limit)
            """, as: ArchivedEvent.self, within: Self.deadline)
    }

    private static func condition(_ filter: InteractionFilter) -> ClickHouseSQL {
        var condition: ClickHouseSQL = " AND from_service = 0"
        if let id = filter.participantID { condition += " AND participant_id = \(id)" }
        if let id = filter.externalID { condition += " AND external_id = \(id)" }
        if let id = filter.anonymousID { condition += " AND anonymous_id = \(id)" }
        if let event = filter.event { condition += " AND event = \(event)" }
        for member in filter.contextMembers {
            // As it stands in the text: 18.16 reads no JSON at a given depth. One member deeper
            // that says the same is the same for whoever asks.
            let written = "\(JSONText.quoted(member.name)):\(JSONText.quoted(member.value))"
            condition += " AND position(context, \(written)) > 0"
        }
        return condition
    }
}
