import Kernel
import RedisKit
import Testing

@Suite(.timeLimit(.minutes(1)))
struct OutageTests {
    @Test func `commands fail at once while the server is away, and work when it is back`()
        async throws
    {
        let redis = try await PrivateRedis()
        let telemetry = Telemetry()
        let client = RedisClient(try redis.configuration(), telemetry: telemetry)
        try #require(await isUsable(client))
        #expect(client.isAvailable)
        redis.kill()
        #expect(await eventually { !client.isAvailable })
        let error = await #expect(throws: RedisError.self) {
            // Without failing fast this would wait for its deadline, beyond the test's time limit.
            try await client.command(["PING"], deadline: .seconds(600))
        }
        #expect(error?.code == .unavailable)
        #expect(error?.isRetryable == true)
        #expect(telemetry.metrics.render().contains("grapevine_redis_up 0"))
        try await redis.start()
        #expect(await isUsable(client))
        #expect(client.isAvailable)
        await client.shutdown()
    }

    @Test func `a client that begins before its server is there finds it later`() async throws {
        let redis = try await PrivateRedis()
        redis.kill()
        let client = RedisClient(try redis.configuration(), telemetry: Telemetry())
        let error = await #expect(throws: RedisError.self) { try await client.ping() }
        #expect([RedisError.Code.unavailable, .timeout].contains(error?.code))
        #expect(!client.isAvailable)
        try await redis.start()
        #expect(await isUsable(client))
        await client.shutdown()
    }

    @Test func `what is in flight when the server dies is answered as lost`() async throws {
        let redis = try await PrivateRedis()
        let client = RedisClient(try redis.configuration(), telemetry: Telemetry())
        try #require(await isUsable(client))
        async let blocked = failure {
            try await client.command(["BLPOP", "never", 0], deadline: .seconds(600))
        }
        try await confirmBlocked(redis)
        redis.kill()
        let error = await blocked
        #expect(error?.code == .connectionLost)
        await client.shutdown()
    }

    @Test func `a hanging server costs no more than the deadline, and is left when it stays so`()
        async throws
    {
        let redis = try await PrivateRedis()
        var configuration = try redis.configuration()
        configuration.commandDeadline = .milliseconds(250)
        configuration.stallLimit = .milliseconds(500)
        configuration.connectTimeout = .milliseconds(300)
        let client = RedisClient(configuration, telemetry: Telemetry())
        try #require(await isUsable(client))
        async let sleeper = failure { try await client.command(["DEBUG", "SLEEP", "3"]) }
        let error = await sleeper
        #expect(error?.code == .timeout)
        #expect(await eventually { !client.isAvailable })
        #expect(await isUsable(client))
        await client.shutdown()
    }

    @Test func `the late answer of an abandoned command goes to nobody else`() async throws {
        let redis = try await PrivateRedis()
        let client = RedisClient(try redis.configuration(), telemetry: Telemetry())
        try #require(await isUsable(client))
        _ = try await client.command(["SET", "key", "value"])
        let late = await #expect(throws: RedisError.self) {
            try await client.pipeline(
                [["DEBUG", "SLEEP", "0.5"], ["GET", "key"]], deadline: .milliseconds(50))
        }
        #expect(late?.code == .timeout)
        let answer = try await client.command(["ECHO", "mine"], deadline: .seconds(10))
        #expect(answer.string == "mine")
        await client.shutdown()
    }

    @Test func `everything is gone after FLUSHALL and the connection stays`() async throws {
        let redis = try await PrivateRedis()
        let client = RedisClient(try redis.configuration(), telemetry: Telemetry())
        _ = try await client.command(["SET", "key", "value"])
        _ = try await client.command(["FLUSHALL"])
        #expect(try await client.command(["GET", "key"]).isNull)
        #expect(client.isAvailable)
        await client.shutdown()
    }

    @Test func `a wrong password is told apart, and the right one works`() async throws {
        let redis = try await PrivateRedis(password: "p@ss:/word")
        for (password, isRight) in [("wrong", false), ("p%40ss%3A%2Fword", true)] {
            let client = RedisClient(
                try redis.configuration(url: "redis://:\(password)@127.0.0.1:\(redis.port)/3"),
                telemetry: Telemetry())
            if isRight {
                #expect(await isUsable(client))
                _ = try await client.command(["SET", "key", "in three"])
                #expect(try await client.command(["MOVE", "key", 4]).integer == 1)
            } else {
                #expect(
                    await eventually {
                        let code = await code(of: client)
                        return code == .authenticationFailed
                    })
                #expect(!client.isAvailable)
            }
            await client.shutdown()
        }
        let without = RedisClient(
            try redis.configuration(url: "redis://127.0.0.1:\(redis.port)"), telemetry: Telemetry())
        #expect(await eventually { await code(of: without) == .authenticationFailed })
        await without.shutdown()
    }

    @Test func `a call after the shutdown is refused and waiting calls are answered`() async throws
    {
        let redis = try await PrivateRedis()
        let client = RedisClient(try redis.configuration(), telemetry: Telemetry())
        try #require(await isUsable(client))
        async let blocked = failure {
            try await client.command(["BLPOP", "never", 0], deadline: .seconds(600))
        }
        try await confirmBlocked(redis)
        await client.shutdown()
        let error = await blocked
        #expect(error?.code == .shutDown)
        let late = await #expect(throws: RedisError.self) { try await client.ping() }
        #expect(late?.code == .shutDown)
    }

    private func failure(
        of body: @Sendable () async throws -> RedisValue
    ) async -> RedisError? {
        do {
            _ = try await body()
            return nil
        } catch { return error as? RedisError }
    }

    private func code(of client: RedisClient) async -> RedisError.Code? {
        do throws(RedisError) {
            try await client.ping()
            return nil
        } catch { return error.code }
    }

    /// Waits until another client's blocking command has reached the server.
    private func confirmBlocked(_ redis: PrivateRedis) async throws {
        let watcher = RedisClient(try redis.configuration(), telemetry: Telemetry())
        let isBlocked = await eventually {
            let clients = try? await watcher.command(["INFO", "clients"]).string
            return clients?.contains("blocked_clients:1") ?? false
        }
        #expect(isBlocked)
        await watcher.shutdown()
    }
}
