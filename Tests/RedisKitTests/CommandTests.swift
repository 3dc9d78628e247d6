import Kernel
import RedisKit
import Testing

@Suite(.timeLimit(.minutes(1)))
struct CommandTests {
    @Test func `a value that was set is read back byte for byte`() async throws {
        let redis = try await PrivateRedis()
        let client = RedisClient(try redis.configuration(), telemetry: Telemetry())
        let bytes: [UInt8] = [0, 13, 10, 255, 36, 42]
        #expect(try await client.command(["SET", "key", .bytes(bytes)]) == .status("OK"))
        #expect(try await client.command(["GET", "key"]) == .bytes(bytes))
        #expect(try await client.command(["GET", "absent"]).isNull)
        #expect(try await client.command(["INCRBY", "n", 41]).integer == 41)
        #expect(
            try await client.command(["MGET", "n", "absent"]).array == [.bytes([52, 49]), .null])
        await client.shutdown()
    }

    @Test func `an error answer is thrown with its code and does not hurt others`() async throws {
        let redis = try await PrivateRedis()
        let client = RedisClient(try redis.configuration(), telemetry: Telemetry())
        _ = try await client.command(["SET", "text", "x"])
        let error = await #expect(throws: RedisError.self) {
            try await client.command(["LPUSH", "text", "secret-argument"])
        }
        #expect(error?.code == .server)
        #expect(error?.serverCode == "WRONGTYPE")
        #expect(error.map { "\($0)" } == "Redis: server (WRONGTYPE)")
        let answers = try await client.pipeline([
            ["GET", "text"], ["LPUSH", "text", "y"], ["PING"],
        ])
        #expect(answers.count == 3)
        #expect(answers.first?.string == "x")
        #expect(answers.last == .status("PONG"))
        await client.shutdown()
    }

    @Test func `64 parallel callers each see their own commands in order`() async throws {
        let redis = try await PrivateRedis()
        let telemetry = Telemetry()
        let client = RedisClient(try redis.configuration(), telemetry: telemetry)
        try #require(await isUsable(client))
        let disorder = await withTaskGroup(of: Int.self) { group in
            for caller in 0..<64 {
                group.addTask {
                    var wrong = 0
                    for turn in 1...50 {
                        let answer = try? await client.command(
                            ["INCR", "caller:\(caller)"], deadline: .seconds(20))
                        if answer?.integer != turn { wrong += 1 }
                    }
                    return wrong
                }
            }
            return await group.reduce(0, +)
        }
        #expect(disorder == 0)
        let counted = telemetry.metrics.render()
        #expect(counted.contains("grapevine_redis_up 1"))
        #expect(counted.contains("grapevine_redis_commands_total{result=\"ok\"} 32"))
        await client.shutdown()
    }

    @Test func `commands that are started in order run in that order`() async throws {
        let redis = try await PrivateRedis()
        let client = RedisClient(try redis.configuration(), telemetry: Telemetry())
        try #require(await isUsable(client))
        let answers = try await client.pipeline((0..<100).map { ["RPUSH", "list", .integer($0)] })
        #expect(answers.map(\.integer) == (1...100).map { $0 })
        let list = try await client.command(["LRANGE", "list", 0, -1]).array
        #expect(list?.map(\.integer) == (0..<100).map { $0 })
        await client.shutdown()
    }

    @Test func `a script runs by digest and survives a flush of the script cache`() async throws {
        let redis = try await PrivateRedis()
        let client = RedisClient(try redis.configuration(), telemetry: Telemetry())
        let script = RedisScript("return redis.call('INCRBY', KEYS[1], ARGV[1])")
        #expect(try await client.run(script, keys: ["n"], arguments: [2]).integer == 2)
        #expect(try await client.run(script, keys: ["n"], arguments: [3]).integer == 5)
        _ = try await client.command(["SCRIPT", "FLUSH"])
        _ = try await client.command(["FLUSHALL"])
        #expect(try await client.run(script, keys: ["n"], arguments: [4]).integer == 4)
        #expect(try await client.run(script, keys: ["n"], arguments: [1]).integer == 5)
        await client.shutdown()
    }

    @Test func `what exceeds the queue is refused at once`() async throws {
        let redis = try await PrivateRedis()
        var configuration = try redis.configuration()
        configuration.queueLimitCommands = 10
        configuration.queueLimitBytes = 1000
        let client = RedisClient(configuration, telemetry: Telemetry())
        try #require(await isUsable(client))
        await #expect(throws: RedisError(.overloaded)) {
            try await client.pipeline(Array(repeating: ["PING"], count: 11))
        }
        let error = await #expect(throws: RedisError.self) {
            try await client.command(["SET", "k", .bytes([UInt8](repeating: 0, count: 1001))])
        }
        #expect(error?.code == .invalidCommand)
        #expect(try await client.pipeline(Array(repeating: ["PING"], count: 10)).count == 10)
        let empty = await #expect(throws: RedisError.self) { try await client.command([]) }
        #expect(empty?.code == .invalidCommand)
        await client.shutdown()
    }

    @Test func `a large value is sent and received whole`() async throws {
        let redis = try await PrivateRedis()
        let client = RedisClient(try redis.configuration(), telemetry: Telemetry())
        let value = (0..<8_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        _ = try await client.command(["SET", "large", .bytes(value)], deadline: .seconds(10))
        let answer = try await client.command(["GET", "large"], deadline: .seconds(10))
        #expect(answer.bytes == value)
        await client.shutdown()
    }
}
