import Contracts
import FoundationEssentials
import Kernel
import MessagingKit
import TestKit
import Testing

@testable import AnalyticsService

@Suite struct LiveFeedTests {
    /// A log in which nothing happens.
    private struct QuietLog: LogPort {
        func append(_ messages: [LogMessage]) async throws(LogError) -> [LogAppendResult] { [] }
        func feed(_ request: FeedRequest) async throws(LogError) -> FeedPage {
            FeedPage(shard: request.shard, events: [], next: request.after, head: 0)
        }
        func shardCount() async throws(LogError) -> Int { 1 }
    }

    private static func event(_ number: Int, _ clientID: ClientID) -> LogEvent {
        LogEvent(
            position: LogPosition(shard: 0, position: number), eventID: "e\(number)",
            type: "signup", clientID: clientID, occurredAt: SystemClock().now(),
            receivedAt: SystemClock().now(), trust: .server, properties: .object([:]))
    }

    @Test func `a client has a limited number of views`() async throws {
        let feed = LiveFeed(log: QuietLog(), redis: nil, world: World())
        let running = Task { await feed.run() }
        defer { running.cancel() }
        let client = ClientID(UUID())
        var views: [LiveSubscription] = []
        for _ in 0..<LiveFeed.limitPerClient {
            views.append(try await feed.open(clientID: client, campaignID: nil))
        }
        let problem = await #expect(throws: Problem.self) {
            _ = try await feed.open(clientID: client, campaignID: nil)
        }
        #expect(problem?.status == 429)
        // Another client's views are its own.
        _ = try await feed.open(clientID: ClientID(UUID()), campaignID: nil)
        feed.close(views[0])
        feed.close(views[0])
        _ = try await feed.open(clientID: client, campaignID: nil)
        #expect(feed.viewCount == LiveFeed.limitPerClient + 1)
    }

    @Test func `a view that falls behind is ended, the others are not`() async throws {
        let feed = LiveFeed(log: QuietLog(), redis: nil, world: World())
        let running = Task { await feed.run() }
        defer { running.cancel() }
        let client = ClientID(UUID())
        let slow = try await feed.open(clientID: client, campaignID: nil)
        let quick = try await feed.open(clientID: client, campaignID: nil)
        var seen = 0
        for start in stride(from: 0, to: LiveSubscription.limit * 2, by: 100) {
            feed.publish((start..<start + 100).map { Self.event($0 + 1, client) })
            seen += await quick.next(within: .zero)?.count ?? 0
        }
        #expect(seen == LiveSubscription.limit * 2 / 100 * 100 + 100)
        #expect(await slow.next(within: .zero) == nil)
    }

    @Test func `while the log is away a view is refused, not kept waiting`() async throws {
        let feed = LiveFeed(log: QuietLog(), redis: nil, world: World())
        // Nobody follows.
        let problem = await #expect(throws: Problem.self) {
            _ = try await feed.open(clientID: ClientID(UUID()), campaignID: nil)
        }
        #expect(problem?.status == 503)
        #expect(feed.viewCount == 0)
    }
}
