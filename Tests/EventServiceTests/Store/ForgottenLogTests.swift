import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import MessagingKit
import PostgresKit
import TestKit
import Testing

@testable import EventService

/// Readers of a part of the log that is kept no more.
@Suite(.timeLimit(.minutes(2))) struct ForgottenLogTests {
    @Test func `a reader of what retention took is led past it`() async throws {
        let clock = TestClock()
        try await TestPostgres.shared().withDatabase(EventMigrations.all) { database in
            let client = database.client()
            try await RetentionStore(postgres: client).rotateGenerations(at: clock.now())
            let store = LogStore(postgres: client, faults: NoFaults())
            let reading = FeedStore(postgres: client)
            let feed = LogFeed(
                store: reading, tail: LogTailCache(shards: 8),
                signals: (0..<8).map { _ in WakeSignal() }, shards: .installed,
                acknowledgements: Acknowledgements(store: reading, world: World(clock: clock)))
            func next(_ wanted: Wanted) async throws -> Int {
                let bytes = try await feed.page(
                    FeedRequest(subscriber: nil, shard: 1, after: 0, wanted: wanted))
                return try FeedPage(reading: bytes).next
            }
            let tenant = ClientID(UUID())
            func append(_ ids: Range<Int>) async throws {
                let events = ids.map { number in
                    let identity = EventEnvelope.identity(of: "\(number)", tenant, said: .client)
                    return PendingEvent(
                        clientID: tenant, campaignID: nil, type: "signup", facets: [],
                        identity: identity, bodyHash: identity, envelope: Array("{}".utf8))
                }
                _ = try await store.append(events, to: 1, at: clock.now())
            }
            try await append(0..<3)
            _ = try await client.execute("delete from log_segment")
            for wanted in [Wanted.everything, Wanted(types: ["purchase"])] {
                let place = try await next(wanted)
                #expect(place == 3)
            }
            try await append(3..<5)
            let place = try await next(Wanted(types: ["purchase"]))
            #expect(place == 5)
            await client.shutdown()
        }
    }
}
