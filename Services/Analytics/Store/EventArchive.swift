import ClickHouseKit
import FoundationEssentials
import Kernel

/// The events in ClickHouse, as the stream writes them.
struct EventArchive: Sendable {
    private static let queryPrefix = "grapevine-stream-"

    let client: ClickHouseClient
    let world: World

    /// Brings the tables up to date.
    func migrate() async throws(ClickHouseError) {
        try await ClickHouseMigrator.migrate(
            client, AnalyticsSchema.migrations, clock: world.clock)
    }

    /// One month's rows of some shards, all or nothing.
    func insert(_ block: ClickHouseBlock, shards: Set<Int>) async throws(ClickHouseError) {
        let marks = shards.sorted().map(Self.mark).joined()
        try await client.insert(
            block, into: EventRows.table,
            queryID: Self.queryPrefix + world.ids.next().uuidString + marks)
    }

    /// Whether the server is at work on an insert of this shard, whoever sent it.
    func isInserting(shard: Int) async throws(ClickHouseError) -> Bool {
        try await client.runningQueries(
            prefix: Self.queryPrefix, containing: Self.mark(shard)) > 0
    }

    /// How many events of each batch are there. The times bound which parts of the table are read.
    func present(
        _ batches: [UUID], in month: Int, from first: UInt32, to last: UInt32
    ) async throws(ClickHouseError) -> [UUID: Int] {
        let rows = try await client.query(
            """
            SELECT batch_id, uniqExact(position) AS found FROM \(identifier: EventRows.table)
            WHERE batch_id IN \(list: batches) AND toYYYYMM(occurred_at) = \(month)
                AND occurred_at >= toDateTime(\(Int(first)), 'UTC')
                AND occurred_at <= toDateTime(\(Int(last)), 'UTC')
            GROUP BY batch_id
            """)
        var found: [UUID: Int] = [:]
        for row in rows { found[try row.get("batch_id")] = try row.get("found") }
        return found
    }

    /// How many events of a batch are there, whenever they happened.
    func present(_ batch: UUID) async throws(ClickHouseError) -> Int {
        try await client.count(
            of: "batch_id = \(batch)", in: EventRows.table, distinct: "position")
    }

    /// Whether an event of a client without a campaign is there, that happened after `first`.
    func shows(
        _ eventID: String, of clientID: ClientID, type: String, since first: Timestamp
    ) async throws(ClickHouseError) -> Bool {
        try await client.query(
            """
            SELECT event_id FROM \(identifier: EventRows.table)
            WHERE client_id = \(clientID) AND campaign_id = \(EventFacts.noID)
                AND event = \(type) AND occurred_at >= \(first) AND event_id = \(eventID)
            LIMIT 1
            """, within: .seconds(5)
        ).isEmpty == false
    }

    /// Deletes a person's events and name. ClickHouse does it by and by; numbers that were added
    /// up stay.
    func erase(_ person: ErasedParticipant) async throws(ClickHouseError) {
        var owns: ClickHouseSQL = "0"
        if let id = person.participantID { owns += " OR participant_id = \(id)" }
        if !person.anonymousIDs.isEmpty {
            // With another person's id it is that person's, whatever device both used.
            owns += """
                 OR (participant_id = \(EventFacts.noID)
                    AND anonymous_id IN \(list: person.anonymousIDs))
                """
        }
        try await client.execute(
            """
            ALTER TABLE \(identifier: EventRows.table)
            DELETE WHERE client_id = \(person.clientID) AND from_service = 0 AND (\(owns))
            """)
        guard let id = person.participantID else { return }
        try await client.execute(
            """
            ALTER TABLE participant_names
            DELETE WHERE client_id = \(person.clientID) AND participant_id = \(id)
            """)
    }

    private static func mark(_ shard: Int) -> String { ".s\(shard)." }
}
