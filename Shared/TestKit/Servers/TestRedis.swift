package import Kernel
package import RedisKit
import Testing

/// One numbered database of the Redis that all tests share, empty at first.
///
/// Keys are its own; pub/sub channels are not: name them after an id that no other test has.
package struct TestRedis: Sendable {
    /// Databases that the test server has.
    private static let databaseCount = 1024

    /// The URL with the database's number.
    package let url: String
    package let configuration: RedisConfiguration

    /// A database for one suite. 1,023 can be in use at once, over all test processes.
    package static func make() async throws -> TestRedis {
        let shared = try TestRedis(url: await TestServers.shared.addresses().redisURL)
        let client = shared.client()
        try await eventually("Redis answers") {
            try await client.ping(); return true
        }
        let answer = try await client.command(["INCR", "test:databases"])
        await client.shutdown()
        guard case .integer(let number) = answer, let slash = shared.url.lastIndex(of: "/")
        else { throw ProcessError("The test Redis does not count.") }
        let database = 1 + Int(number) % (databaseCount - 1)
        let redis = try TestRedis(url: "\(shared.url[...slash])\(database)")
        try await redis.flush()
        return redis
    }

    /// A database of another server.
    package init(url: String) throws(RedisError) {
        self.url = url
        var configuration = try RedisConfiguration(url: url)
        // Two processors for all tests: what is far too slow for production is no failure here.
        configuration.commandDeadline = .seconds(5)
        configuration.stallLimit = .seconds(10)
        self.configuration = configuration
    }

    /// A new client with patient deadlines.
    package func client(telemetry: Telemetry = Telemetry()) -> RedisClient {
        RedisClient(configuration, telemetry: telemetry)
    }

    /// Empties this database, and only this one.
    package func flush() async throws {
        let client = client()
        try await eventually("Redis answers") {
            try await client.ping(); return true
        }
        _ = try await client.command(["FLUSHDB"])
        await client.shutdown()
    }
}
