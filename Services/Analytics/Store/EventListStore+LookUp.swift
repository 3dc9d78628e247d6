import ClickHouseKit
import Contracts
import FoundationEssentials
import Kernel

extension EventListStore {
    /// Whether an event is there. The beginning of the table's key is given, so little is read.
    func has(_ event: ArchivedEventRequest) async throws(ClickHouseError) -> Bool {
        let campaign = event.campaignID?.uuid ?? EventFacts.noID
        let rows = try await client.query(
            """
            SELECT count() AS found FROM events
            WHERE client_id = \(event.clientID) AND campaign_id = \(campaign)
                AND event = \(event.type) AND occurred_at = \(event.occurredAt)
                AND position = \(event.position.position)
            """, as: FoundEvents.self, within: .seconds(2))
        return rows.first?.count ?? 0 > 0
    }
}

private struct FoundEvents: Sendable, ClickHouseRowDecodable {
    let count: Int

    init(row: ClickHouseRow) throws(ClickHouseError) {
        count = try row.get("found")
    }
}
