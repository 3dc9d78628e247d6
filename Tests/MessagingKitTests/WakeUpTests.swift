import Contracts
import Kernel
import MessagingKit
import PostgresKit
import RedisKit
import Synchronization
import TestKit
import Testing

@Suite(.timeLimit(.minutes(1))) struct WakeUpTests {
    // Each test has a type of its own: all share one Redis and hear each other.

    /// So long that only a wake-up can explain progress.
    private let never = Duration.seconds(3600)

    @Test func `a message of Redis wakes the subscriber, only for its types`() async throws {
        try await Stage.with { stage in
            let redis = try await TestRedis.make().client()
            let client = stage.client()
            let subscriber = stage.subscriber(
                types: ["test.wanted"], redis: redis, pollInterval: never)
            try await stage.running(subscriber.run) {
                try await subscribed(redis, to: "event.test.wanted.*")
                try await stage.log.publish(1...2, client: client)
                try await announce(stage, client, "test.happened", on: redis)
                try await stage.log.publish(3...4, client: client, type: "test.wanted")
                try await announce(stage, client, "test.wanted", on: redis)
                try await eventually { try await stage.effects(of: client) == [3, 4] }
            }
            await redis.shutdown()
        }
    }

    @Test func `a waiting call wakes the subscriber of its process`() async throws {
        try await Stage.with { stage in
            let redis = try await TestRedis.make().client()
            let client = stage.client()
            let subscriber = stage.subscriber(
                types: ["test.other"], redis: redis, pollInterval: never)
            try await stage.running(subscriber.run) {
                try await subscribed(redis, to: "event.test.other.*")
                try await eventually { subscriber.lastContact != nil }
                try await stage.log.publish(1...2, client: client)
                try await subscriber.barrier.wait(
                    for: LogPosition(shard: stage.log.shard(of: client), position: 2),
                    within: .seconds(30))
            }
            await redis.shutdown()
        }
    }

    @Test func `after a page of many events more come together, until somebody waits for one`()
        async throws
    {
        try await Stage.with { stage in
            let redis = try await TestRedis.make().client()
            let client = stage.client()
            let sizes = Mutex<[Int]>([])
            let subscriber = stage.subscriber(
                types: ["test.flood"], redis: redis, pollInterval: never,
                loadGatherInterval: never
            ) { events, transaction in
                sizes.withLock { $0.append(events.count) }
                try await Stage.record(events, in: transaction)
            }
            try await stage.running(subscriber.run) {
                try await subscribed(redis, to: "event.test.flood.*")
                try await eventually { subscriber.lastContact != nil }
                try await stage.log.publish(1...60, client: client, type: "test.flood")
                let shard = stage.log.shard(of: client)
                try await announce(stage, client, "test.flood", on: redis)
                try await eventually { sizes.withLock { $0 } == [60] }
                for number in 61...65 {
                    try await stage.log.publish(
                        number...number, client: client, type: "test.flood")
                    try await announce(stage, client, "test.flood", on: redis)
                }
                try await subscriber.barrier.wait(
                    for: LogPosition(shard: shard, position: 65), within: .seconds(30))
                #expect(sizes.withLock { $0 } == [60, 5])
                try await stage.log.publish(66...66, client: client, type: "test.flood")
                try await announce(stage, client, "test.flood", on: redis)
                // A small page is followed by the next as soon as there is one.
                try await eventually { sizes.withLock { $0 } == [60, 5, 1] }
            }
            await redis.shutdown()
        }
    }

    @Test func `without Redis the log itself wakes the subscriber`() async throws {
        try await Stage.with { stage in
            let nobody = RedisClient(
                try RedisConfiguration(url: "redis://127.0.0.1:1"), telemetry: Telemetry())
            let client = stage.client()
            let subscriber = stage.subscriber(redis: nobody, pollInterval: .seconds(10))
            try await stage.running(subscriber.run) {
                try await stage.log.publish(1...2, client: client)
                try await eventually(within: .seconds(8)) {
                    try await stage.effects(of: client) == [1, 2]
                }
            }
            await nobody.shutdown()
        }
    }

    @Test func `an event with a wanted facet wakes, whatever its type`() async throws {
        try await Stage.with(shards: 1) { stage in
            let redis = try await TestRedis.make().client()
            let client = stage.client()
            let subscriber = stage.subscriber(
                types: ["test.wanted"], facets: .identity, redis: redis, pollInterval: never)
            try await stage.running(subscriber.run) {
                try await eventually { stage.log.quickCalls > 0 }
                for number in 1...3 {
                    try await stage.log.publish(number...number, client: client)
                    let facet = FacetChannel(facet: .identity, shard: 0)
                    try await eventually {
                        try await redis.publish([(channel: facet.name, payload: "0:\(number)")])
                        return try await stage.position(subscriber.name, shard: 0) == number
                    }
                }
            }
            await redis.shutdown()
        }
    }

    @Test func `a wake-up for a position already passed asks nothing`() async throws {
        try await Stage.with { stage in
            let redis = try await TestRedis.make().client()
            let client = stage.client()
            let subscriber = stage.subscriber(types: ["test.passed"], redis: redis)
            try await stage.running(subscriber.run) {
                try await settled(stage, shards: 2)
                try await stage.log.publish(1...2, client: client, type: "test.passed")
                try await announce(stage, client, "test.passed", on: redis)
                try await told(2, to: stage, client, subscriber)
                let asked = stage.log.quickCalls
                for _ in 0..<100 {
                    try await announce(stage, client, "test.passed", on: redis)
                    try await Task.sleep(for: .milliseconds(5))
                }
                try await stage.log.publish(3...3, client: client, type: "test.passed")
                try await announce(stage, client, "test.passed", on: redis)
                try await told(3, to: stage, client, subscriber)
                // One for the event, one to tell that it was applied, and the rare look at all.
                #expect(stage.log.quickCalls - asked < 10)
            }
            await redis.shutdown()
        }
    }

    @Test func `a wake-up beyond the log's end is believed once`() async throws {
        try await Stage.with { stage in
            let redis = try await TestRedis.make().client()
            let client = stage.client()
            let subscriber = stage.subscriber(types: ["test.beyond"], redis: redis)
            try await stage.running(subscriber.run) {
                try await settled(stage, shards: 2)
                try await stage.log.publish(1...1, client: client, type: "test.beyond")
                try await told(1, to: stage, client, subscriber)
                let asked = stage.log.quickCalls
                try await announce(stage, client, "test.beyond", on: redis, beyond: 1_000_000)
                try await eventually { stage.log.quickCalls > asked }
                try await stage.log.publish(2...2, client: client, type: "test.beyond")
                try await told(2, to: stage, client, subscriber)
                #expect(stage.log.quickCalls - asked < 10)
            }
            await redis.shutdown()
        }
    }

    @Test func `events that come close together are read together`() async throws {
        try await Stage.with { stage in
            let redis = try await TestRedis.make().client()
            let client = stage.client()
            let subscriber = stage.subscriber(
                types: ["test.together"], redis: redis, gatherInterval: .seconds(1))
            try await stage.running(subscriber.run) {
                try await settled(stage, shards: 2)
                let asked = stage.log.quickCalls
                for number in 1...50 {
                    try await stage.log.publish(
                        number...number, client: client, type: "test.together")
                    try await announce(stage, client, "test.together", on: redis)
                }
                try await eventually { try await stage.effects(of: client) == Array(1...50) }
                #expect(stage.log.quickCalls - asked < 20)
            }
            await redis.shutdown()
        }
    }

    @Test func `a quiet subscriber asks one question for all shards, and finds what nobody told`()
        async throws
    {
        try await Stage.with(shards: 4) { stage in
            let redis = try await TestRedis.make().client()
            let client = stage.client()
            let subscriber = stage.subscriber(types: ["test.quiet"], redis: redis)
            try await stage.running(subscriber.run) {
                try await settled(stage, shards: 4)
                let (asked, looks) = (stage.log.quickCalls, stage.log.headCalls)
                try await eventually { stage.log.headCalls > looks + 20 }
                #expect(stage.log.quickCalls - asked < 20)
                try await stage.log.publish(1...3, client: client, type: "test.quiet")
                try await told(3, to: stage, client, subscriber)
                #expect(try await stage.effects(of: client) == [1, 2, 3])
            }
            await redis.shutdown()
        }
    }

    /// Waits until Redis wakes the subscriber and each shard was looked at since.
    private func settled(_ stage: Stage, shards: Int) async throws {
        try await eventually { stage.log.quickCalls >= shards && stage.log.headCalls > 1 }
    }

    /// Waits until the log was told that an event was applied.
    private func told(
        _ position: Int, to stage: Stage, _ client: ClientID, _ subscriber: Subscriber
    ) async throws {
        try await eventually {
            stage.log.acknowledged(subscriber.name, shard: stage.log.shard(of: client)) == position
        }
    }

    /// Waits until somebody listens.
    private func subscribed(_ redis: RedisClient, to pattern: String) async throws {
        let probe = "\(pattern.dropLast())probe"
        try await eventually {
            let heard = try? await redis.command(["PUBLISH", .text(probe), "0:0"])
            return heard?.integer ?? 0 > 0
        }
    }

    private func announce(
        _ stage: Stage, _ client: ClientID, _ type: String, on redis: RedisClient,
        beyond: Int = 0
    ) async throws {
        let shard = stage.log.shard(of: client)
        let channel = WakeUpChannel(type: type, clientID: client, campaignID: nil)
        let position = LogPosition(
            shard: shard, position: stage.log.head(shard: shard) + beyond)
        try await redis.publish([(channel: channel.name, payload: position.description)])
    }
}
