import Contracts
import HTTPKit
import Kernel
import PostgresKit

/// What referral-service has been told of clients and campaigns.
struct CampaignStore: Sendable {
    let postgres: PostgresClient

    /// A revision; nil when the client has no such campaign or nothing told of the revision.
    func definition(
        _ campaign: CampaignID, revision: Int, of client: ClientID
    ) async throws -> CampaignDefinition? {
        let row = try await postgres.queryOne(
            """
            select definition from campaign_revision
            where client_id = \(client) and campaign_id = \(campaign) and revision = \(revision)
            """)
        guard let row else { return nil }
        let stored: JSONB = try row.get("definition")
        return try JSONCoding.decode(from: stored.bytes, strictness: .lenient)
    }

    /// The revision and status in force; nil when the client has no such campaign.
    func standing(
        _ campaign: CampaignID, of client: ClientID
    ) async throws -> (revision: Int, status: CampaignStatus)? {
        let row = try await postgres.queryOne(
            """
            select revision, status from campaign
            where client_id = \(client) and campaign_id = \(campaign)
            """)
        return try row.map { (try $0.get("revision"), try $0.get("status")) }
    }

    /// A statement for how far ahead the clients' business clocks run; see `offsets(in:)`.
    static func offsets(of clients: Set<ClientID>) -> SQL {
        """
        select client_id, business_clock_offset_milliseconds as offset_milliseconds
        from client_settings where client_id = any(\(clients.sorted()))
        """
    }

    /// What `offsets(of:)` found.
    static func offsets(in rows: [Row]) throws(PostgresError) -> [ClientID: Duration] {
        var offsets: [ClientID: Duration] = [:]
        for row in rows {
            offsets[try row.get("client_id")] = .milliseconds(
                try row.get("offset_milliseconds", as: Int64.self))
        }
        return offsets
    }

    // MARK: - What messages tell

    /// Remembers whether the client is active and how far its business clock is ahead.
    func take(_ change: ClientChange, of client: ClientID, in transaction: Transaction) async throws
    {
        try await transaction.execute(
            """
            insert into client_settings (client_id, status, business_clock_offset_milliseconds)
            values (\(client), \(change.status),
                \(max(0, change.businessClockOffsetMilliseconds)))
            on conflict (client_id) do update set status = excluded.status,
                business_clock_offset_milliseconds = excluded.business_clock_offset_milliseconds
            """)
    }

    /// Keeps the revision; puts it in force unless something later is.
    func take(
        _ campaign: CampaignDefinition, changedAt: Timestamp, in transaction: Transaction
    ) async throws {
        _ = try await transaction.pipeline([
            """
            insert into campaign_revision (client_id, campaign_id, revision, definition)
            values (\(campaign.clientID), \(campaign.campaignID), \(campaign.revision),
                \(JSONB(try JSONCoding.encode(campaign))))
            on conflict (client_id, campaign_id, revision) do nothing
            """,
            """
            insert into campaign (client_id, campaign_id, revision, status, changed_at)
            values (\(campaign.clientID), \(campaign.campaignID), \(campaign.revision),
                \(campaign.status), \(changedAt))
            on conflict (client_id, campaign_id) do update
            set revision = excluded.revision, status = excluded.status,
                changed_at = excluded.changed_at
            where (campaign.revision, campaign.changed_at)
                <= (excluded.revision, excluded.changed_at)
            """,
        ])
    }
}
