import ClickHouseKit
import Contracts
import FoundationEssentials
import Kernel
import MessagingKit

/// Compares the log with ClickHouse, event by event, by id and body hash.
struct StreamAudit: Sendable {
    /// What was found. Everything but `events` and `waiting` should be zero; `unmerged` may be
    /// more for a while, which no reader sees.
    struct Report: Sendable, Hashable, Encodable {
        /// Events that the log still holds and that the stream says it has brought over.
        var events = 0
        /// Of these, not in ClickHouse.
        var missing = 0
        /// There with another id or another body.
        var different = 0
        /// Positions at which ClickHouse shows two events.
        var duplicated = 0
        /// In the log, but nobody can read them: put aside as dead letters.
        var unreadable = 0
        /// There although the log has no such event.
        var unknown = 0
        /// Rows that were sent more than once and will be merged away.
        var unmerged = 0
        /// Positions that the stream has not come to yet.
        var waiting = 0

        var isClean: Bool { missing + different + duplicated + unknown + unreadable == 0 }
    }

    private struct Key: Hashable {
        let position: Int
        let clientID: ClientID
        let eventID: String
        let isFromService: Bool
        let bodyHash: UUID
    }

    /// Events compared at a time.
    private static let stretch = 20_000

    let log: any LogPort
    let cursors: CursorStore
    let client: ClickHouseClient

    /// Compares everything up to where the stream stands when it is asked.
    func run() async throws -> Report {
        var report = Report()
        for shard in 0..<(try await log.shardCount()) {
            let cursor = try await cursors.read(shard: shard)?.position ?? 0
            try await compare(shard, upTo: cursor, &report)
            let page = try await log.feed(
                FeedRequest(subscriber: nil, shard: shard, after: 0, limit: 0))
            report.waiting += max(0, page.head - cursor)
        }
        return report
    }

    private func compare(_ shard: Int, upTo last: Int, _ report: inout Report) async throws {
        var position = 0
        while position < last {
            let start = position
            var expected: Set<Key> = []
            while position < last, expected.count < Self.stretch {
                let next = try await read(shard, after: position, upTo: last, &expected, &report)
                guard next > position else { break }
                position = next
            }
            guard position > start else {
                throw LogError.unavailable(reason: "the log ends before the cursor")
            }
            // What the log has forgotten at the beginning cannot be compared.
            guard let first = start == 0 ? expected.map(\.position).min() : start + 1 else {
                continue
            }
            try await compare(expected, shard, from: first, to: position, &report)
        }
    }

    /// One page of the log; how far it goes.
    private func read(
        _ shard: Int, after position: Int, upTo last: Int, _ expected: inout Set<Key>,
        _ report: inout Report
    ) async throws -> Int {
        func page(limit: Int) async throws(LogError) -> FeedPage {
            try await log.feed(
                FeedRequest(subscriber: nil, shard: shard, after: position, limit: limit))
        }
        let found: FeedPage
        do {
            do {
                found = try await page(limit: min(FeedRequest.maximumLimit, last - position))
            } catch LogError.unreadable {
                // Alone it shows which event it is.
                found = try await page(limit: 1)
            }
        } catch LogError.unreadable(let page) {
            if page.position.position <= last { report.unreadable += 1 }
            return min(page.next, last)
        }
        for event in found.events where event.position.position <= last {
            // Blanked: the archive has forgotten it, too.
            if event.type == EventType.erased { continue }
            expected.insert(try Self.key(of: event))
        }
        return min(found.next, last)
    }

    private func compare(
        _ expected: Set<Key>, _ shard: Int, from first: Int, to last: Int, _ report: inout Report
    ) async throws {
        let rows = try await client.query(
            """
            SELECT position, client_id, event_id, from_service, body_hash, count() AS copies
            FROM events
            WHERE shard = \(shard) AND position >= \(first) AND position <= \(last)
            GROUP BY position, client_id, event_id, from_service, body_hash
            """, within: .seconds(60))
        var found: Set<Key> = []
        for row in rows {
            found.insert(
                Key(
                    position: try row.get("position"), clientID: try row.get("client_id"),
                    eventID: try row.get("event_id"), isFromService: try row.get("from_service"),
                    bodyHash: try row.get("body_hash")))
            report.unmerged += try row.get("copies", as: Int.self) - 1
        }
        let places = Set(found.map(\.position))
        let known = Set(expected.map(\.position))
        report.events += expected.count
        report.duplicated += found.count - places.count
        report.unknown += places.subtracting(known).count
        for event in expected.subtracting(found) {
            if places.contains(event.position) {
                report.different += 1
            } else {
                report.missing += 1
            }
        }
    }

    private static func key(of event: LogEvent) throws -> Key {
        Key(
            position: event.position.position, clientID: event.clientID,
            eventID: event.eventID, isFromService: event.trust == .internal,
            bodyHash: try EventRows.bodyHash(of: event))
    }
}
