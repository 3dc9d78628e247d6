import Contracts
import HTTPKit
import Kernel
import PostgresKit

/// Campaigns as their messages have told of them. Written by the subscriber only.
struct CampaignStore: Sendable {
    let postgres: PostgresClient

    /// Keeps what a message says of a campaign.
    func put(
        _ definition: CampaignDefinition, at position: LogPosition, in transaction: Transaction
    ) async throws {
        let document = JSONB(try JSONCoding.encode(definition))
        let events = Set(definition.triggers.map(\.event)).sorted()
        _ = try await transaction.execute(
            """
            insert into campaign_definition (
                client_id, campaign_id, revision, status, trigger_events, definition, shard,
                position)
            values (
                \(definition.clientID), \(definition.campaignID), \(Int32(definition.revision)),
                \(definition.status.rawValue), \(events), \(document), \(Int32(position.shard)),
                \(position.position))
            on conflict (client_id, campaign_id) do update set
                revision = excluded.revision, status = excluded.status,
                trigger_events = excluded.trigger_events, definition = excluded.definition,
                shard = excluded.shard, position = excluded.position
            """)
    }

    /// How a campaign stands now; nil when nothing was told of it.
    func status(
        of campaign: CampaignID, client: ClientID
    ) async throws(PostgresError) -> CampaignStatus? {
        try await postgres.queryOne(
            """
            select status from campaign_definition
            where client_id = \(client) and campaign_id = \(campaign)
            """)?.get("status")
    }

    /// The active campaigns of these clients that wait for events of one of these types.
    func waiting(
        for types: Set<String>, of clients: Set<ClientID>, in transaction: Transaction
    ) async throws -> [CampaignDefinition] {
        try await transaction.query(
            """
            select definition from campaign_definition
            where client_id = any(\(clients.sorted())::uuid[]) and status = 'active'
                and trigger_events && \(types.sorted())::text[]
            order by client_id, campaign_id
            """
        ).map { row in
            let stored: JSONB = try row.get("definition")
            return try JSONCoding.decode(
                CampaignDefinition.self, from: stored.bytes, strictness: .lenient)
        }
    }
}
