import Contracts
import HTTPKit
import Kernel
import PostgresKit
import Synchronization

/// A campaign that waits for events, and how far its client's business clock is ahead.
struct WaitingCampaign: Sendable {
    let definition: CampaignDefinition
    let clockOffset: Duration
}

/// Campaigns as their messages have told of them. Written by the subscriber only.
struct CampaignStore: Sendable {
    /// With more types than this among their triggers, every event is wanted.
    private static let typeLimit = 500

    let postgres: PostgresClient
    private let definitions = DefinitionReader()

    init(postgres: PostgresClient) {
        self.postgres = postgres
    }

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

    /// The events that trigger active campaigns of a shard's clients: a client's campaigns and
    /// events are all of one shard.
    func triggers(shard: Int) async throws(PostgresError) -> Wanted {
        let rows = try await postgres.query(
            """
            select distinct unnest(trigger_events) as type from campaign_definition
            where shard = \(Int32(shard)) and status = 'active' limit \(Self.typeLimit + 1)
            """)
        if rows.count > Self.typeLimit { return .everything }
        var types: Set<String> = []
        for row in rows { types.insert(try row.get("type")) }
        return Wanted(types: types)
    }

    /// The active campaigns of these clients that wait for events of one of these types.
    func waiting(
        for types: Set<String>, of clients: Set<ClientID>, in transaction: Transaction
    ) async throws -> [WaitingCampaign] {
        try await transaction.query(
            """
            select campaign.definition,
                coalesce(clock.offset_milliseconds, 0) as offset_milliseconds
            from campaign_definition as campaign
            left join client_clock as clock on clock.client_id = campaign.client_id
            where campaign.client_id = any(\(clients.sorted())::uuid[])
                and campaign.status = 'active'
                and campaign.trigger_events && \(types.sorted())::text[]
            order by campaign.client_id, campaign.campaign_id
            """
        ).map { row in
            let stored: JSONB = try row.get("definition")
            return WaitingCampaign(
                definition: try definitions.read(stored.bytes),
                clockOffset: .milliseconds(try row.get("offset_milliseconds", as: Int64.self)))
        }
    }
}

/// Reads definitions; those that were read before are at hand.
private final class DefinitionReader: Sendable {
    private static let capacity = 256

    private let known = Mutex<[[UInt8]: CampaignDefinition]>([:])

    func read(_ bytes: [UInt8]) throws -> CampaignDefinition {
        if let definition = known.withLock({ $0[bytes] }) { return definition }
        let definition = try JSONCoding.decode(
            CampaignDefinition.self, from: bytes, strictness: .lenient)
        known.withLock { known in
            if known.count >= Self.capacity { known = [:] }
            known[bytes] = definition
        }
        return definition
    }
}
