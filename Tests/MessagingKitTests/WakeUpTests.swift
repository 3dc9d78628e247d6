import Contracts
import Kernel
import MessagingKit
import PostgresKit
import RedisKit
import TestKit
import Testing

@Suite(.timeLimit(.minutes(1))) struct WakeUpTests {
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

    /// Waits until somebody listens.
    private func subscribed(_ redis: RedisClient, to pattern: String) async throws {
        let probe = "\(pattern.dropLast())probe"
        try await eventually {
            let heard = try? await redis.command(["PUBLISH", .text(probe), "0:0"])
            return heard?.integer ?? 0 > 0
        }
    }

    private func announce(
        _ stage: Stage, _ client: ClientID, _ type: String, on redis: RedisClient
    ) async throws {
        let shard = stage.log.shard(of: client)
        let channel = WakeUpChannel(type: type, clientID: client, campaignID: nil)
        let position = LogPosition(shard: shard, position: stage.log.head(shard: shard))
        try await redis.publish([(channel: channel.name, payload: position.description)])
    }
}
