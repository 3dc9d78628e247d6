import Kernel
import RedisKit
import Testing

@Suite(.timeLimit(.minutes(1)))
struct SubscriptionTests {
    @Test func `a pattern's reader gets matching messages in order and no others`() async throws {
        let redis = try await PrivateRedis()
        let client = RedisClient(try redis.configuration(), telemetry: Telemetry())
        var signals = client.subscribe(pattern: "event.*.cli_1.*").makeAsyncIterator()
        #expect(await signals.next() == .subscribed)
        try await client.publish([
            ("event.signup.cli_1.-", "1"), ("event.signup.cli_2.-", "2"),
            ("event.order.cli_1.cmp_9", "3"),
        ])
        #expect(
            await signals.next() == .message(channel: "event.signup.cli_1.-", payload: "1"))
        #expect(
            await signals.next() == .message(channel: "event.order.cli_1.cmp_9", payload: "3"))
        await client.shutdown()
        #expect(await signals.next() == nil)
    }

    @Test func `a subscription survives a restart and says so to make its reader look again`()
        async throws
    {
        let redis = try await PrivateRedis()
        let client = RedisClient(try redis.configuration(), telemetry: Telemetry())
        var signals = client.subscribe(pattern: "*").makeAsyncIterator()
        #expect(await signals.next() == .subscribed)
        redis.kill()
        #expect(await signals.next() == .disconnected)
        try await redis.start()
        #expect(await signals.next() == .subscribed)
        try #require(await isUsable(client))
        try await client.publish([("after", "restart")])
        #expect(await signals.next() == .message(channel: "after", payload: "restart"))
        await client.shutdown()
    }

    @Test
    func `readers of one pattern are independent, and one that leaves does not end the other`()
        async throws
    {
        let redis = try await PrivateRedis()
        let client = RedisClient(try redis.configuration(), telemetry: Telemetry())
        var first = client.subscribe(pattern: "news").makeAsyncIterator()
        #expect(await first.next() == .subscribed)
        let brief = Task {
            var signals = client.subscribe(pattern: "news").makeAsyncIterator()
            #expect(await signals.next() == .subscribed)
        }
        await brief.value
        try await client.publish([("news", "hello")])
        #expect(await first.next() == .message(channel: "news", payload: "hello"))
        await client.shutdown()
    }

    @Test func `when the last reader leaves, the server is told`() async throws {
        let redis = try await PrivateRedis()
        let client = RedisClient(try redis.configuration(), telemetry: Telemetry())
        let reader = Task {
            for await _ in client.subscribe(pattern: "left.*") {}
        }
        #expect(await eventually { await patternCount(client) == 1 })
        reader.cancel()
        await reader.value
        #expect(await eventually { await patternCount(client) == 0 })
        var again = client.subscribe(pattern: "left.*").makeAsyncIterator()
        #expect(await again.next() == .subscribed)
        await client.shutdown()
    }

    @Test func `a slow reader keeps the newest messages and still learns of a subscription`()
        async throws
    {
        let redis = try await PrivateRedis()
        var configuration = try redis.configuration()
        configuration.subscriptionBufferSignals = 4
        let client = RedisClient(configuration, telemetry: Telemetry())
        let stream = client.subscribe(pattern: "flood")
        #expect(await eventually { await patternCount(client) == 1 })
        for number in 1...20 { try await client.publish([("flood", "\(number)")]) }
        let watcher = client.subscribe(pattern: "flood")
        for await signal in watcher {
            if signal == .subscribed { try await client.publish([("flood", "last")]) }
            if signal == .message(channel: "flood", payload: "last") { break }
        }
        await client.shutdown()
        var kept: [RedisSignal] = []
        for await signal in stream { kept.append(signal) }
        #expect(kept.count == 4)
        #expect(kept.contains(.subscribed))
        #expect(kept.last == .message(channel: "flood", payload: "last"))
    }

    private func patternCount(_ client: RedisClient) async -> Int? {
        try? await client.command(["PUBSUB", "NUMPAT"]).integer
    }
}
