import Contracts
import Foundation
import Kernel
import MessagingKit
import PostgresKit
import RedisKit
import Synchronization
import TestKit
import Testing

/// A subscriber for which some events make others wanted: a `test.open` makes `test.late` wanted,
/// a `test.close` unwanted.
@Suite(.timeLimit(.minutes(2))) struct ChangingWantsTests {
    private static let late = Wanted(types: ["test.late"])
    private let never = Duration.seconds(600)

    /// Opened and closed by what took effect: numbers from 1000 open, from 2000 close.
    private func changes(_ stage: Stage) -> ChangingWants {
        ChangingWants(
            made: { event in
                switch event.type {
                case "test.open": Self.late
                case "test.close": Wanted(types: [])
                default: nil
                }
            },
            read: { shard in
                // Both shards' effects are in one table here; these tests use one shard.
                let row = try await stage.postgres.query(
                    """
                    select count(*) filter (where number between 1000 and 1999)
                        > count(*) filter (where number >= 2000) as is_open from test_effect
                    """)[0]
                return try row.get("is_open") ? Self.late : Wanted(types: [])
            })
    }

    private func subscriber(
        _ stage: Stage, on process: PostgresClient? = nil, redis: RedisClient? = nil,
        pollInterval: Duration = .milliseconds(50)
    ) -> Subscriber {
        stage.subscriber(
            on: process, types: ["test.open", "test.close"], changes: changes(stage),
            redis: redis, pollInterval: pollInterval)
    }

    private func publish(
        _ stage: Stage, _ numbers: ClosedRange<Int>, _ type: String, _ client: ClientID
    ) async throws {
        try await stage.log.publish(numbers, client: client, type: type)
    }

    @Test func `what an event makes wanted is not missed, though it is behind it in one page`()
        async throws
    {
        try await Stage.with(shards: 1) { stage in
            let client = stage.client()
            try await publish(stage, 1...3, "test.late", client)
            try await publish(stage, 1000...1000, "test.open", client)
            try await publish(stage, 4...6, "test.late", client)
            try await publish(stage, 7...9, "test.other", client)
            try await publish(stage, 10...10, "test.late", client)
            let subscriber = subscriber(stage)
            try await stage.running(subscriber.run) {
                let expected = [1000, 4, 5, 6, 10]
                try await eventually { try await stage.effects(of: client) == expected }
                try await eventually { stage.log.acknowledged(subscriber.name, shard: 0) == 11 }
                #expect(try await stage.effects(of: client) == expected)
            }
        }
    }

    @Test func `what nobody wants any more is no longer read, and again once it is wanted`()
        async throws
    {
        try await Stage.with(shards: 1) { stage in
            let client = stage.client()
            let subscriber = subscriber(stage)
            try await stage.running(subscriber.run) {
                try await publish(stage, 1000...1000, "test.open", client)
                try await publish(stage, 1...1, "test.late", client)
                try await publish(stage, 2000...2000, "test.close", client)
                try await eventually { stage.log.acknowledged(subscriber.name, shard: 0) == 3 }
                try await publish(stage, 2...500, "test.late", client)
                try await publish(stage, 1001...1001, "test.open", client)
                try await publish(stage, 501...501, "test.late", client)
                try await eventually {
                    try await stage.effects(of: client) == [1000, 1, 2000, 1001, 501]
                }
            }
        }
    }

    @Test func `a wake-up of what is not wanted wakes nobody, of what became wanted it does`()
        async throws
    {
        try await Stage.with(shards: 1) { stage in
            let redis = try await TestRedis.make().client()
            let client = stage.client()
            let subscriber = subscriber(stage, redis: redis, pollInterval: never)
            try await stage.running(subscriber.run) {
                try await publish(stage, 1000...1000, "test.open", client)
                try await eventually {
                    try await announce(stage, "test.open", client, on: redis)
                    return try await stage.effects(of: client) == [1000]
                }
                try await publish(stage, 1...1, "test.late", client)
                try await eventually {
                    try await announce(stage, "test.late", client, on: redis)
                    return try await stage.effects(of: client) == [1000, 1]
                }
                let asked = stage.log.feedCalls
                try await publish(stage, 2...201, "test.other", client)
                for _ in 0..<50 { try await announce(stage, "test.other", client, on: redis) }
                try await publish(stage, 202...202, "test.late", client)
                try await announce(stage, "test.late", client, on: redis)
                try await eventually { try await stage.effects(of: client) == [1000, 1, 202] }
                #expect(stage.log.feedCalls - asked < 10)
                // Much of it is passed over in time all the same.
                try await publish(stage, 3000...6000, "test.other", client)
                try await eventually {
                    try await announce(stage, "test.other", client, on: redis)
                    return try await stage.position(subscriber.name, shard: 0) == 3204
                }
            }
            await redis.shutdown()
        }
    }

    private func announce(
        _ stage: Stage, _ type: String, _ client: ClientID, on redis: RedisClient
    ) async throws {
        let channel = WakeUpChannel(type: type, clientID: client, campaignID: nil)
        let position = LogPosition(shard: 0, position: stage.log.head(shard: 0))
        try await redis.publish([(channel: channel.name, payload: position.description)])
    }

    @Test(arguments: MessagingCrashPoints.all(.reward).dropFirst(), 1...4)
    func `whoever succeeds a dead replica wants what the last effect made wanted`(
        _ point: CrashPoint, occurrence: Int
    ) async throws {
        try await Stage.with(shards: 1) { stage in
            let client = stage.client()
            for (number, type) in [
                (1, "test.late"), (1000, "test.open"), (2, "test.late"), (2000, "test.close"),
                (3, "test.other"), (1001, "test.open"), (4, "test.late"),
            ] { try await publish(stage, number...number, type, client) }
            let dying = subscriber(stage, on: stage.process())
            let life = Mutex<Task<Void, Never>?>(nil)
            stage.faults.at(point, occurrence: occurrence) { life.withLock { $0?.cancel() } }
            life.withLock { $0 = Task { await dying.run() } }
            // It may be through before it dies so often.
            try await eventually {
                try await stage.effects(of: client).last == 4
                    || stage.faults.count(of: point) >= occurrence
            }
            life.withLock { $0?.cancel() }
            await life.withLock(\.self)?.value
            let heir = subscriber(stage)
            try await stage.running(heir.run) {
                try await eventually { stage.log.acknowledged(heir.name, shard: 0) == 7 }
                #expect(try await stage.effects(of: client) == [1000, 2, 2000, 1001, 4])
            }
        }
    }
}
