import FoundationEssentials
import Glibc

/// The PostgreSQL, the Redis and the ClickHouse that all tests of a checkout share.
actor TestServers {
    static let shared = TestServers()

    struct Addresses: Sendable {
        let postgresURL: String
        let redisURL: String
        let clickHouseURL: String
    }

    private var starting: Task<Addresses, any Error>?

    /// From the environment, else started by `deploy/local/test-servers`, once per process.
    func addresses() async throws -> Addresses {
        if let starting { return try await starting.value }
        let task = Task { try await Self.start() }
        starting = task
        return try await task.value
    }

    private static func start() async throws -> Addresses {
        var variables = ProcessInfo.processInfo.environment
        if variables["GRAPEVINE_TEST_POSTGRES_URL"] == nil
            || variables["GRAPEVINE_TEST_REDIS_URL"] == nil
            || variables["GRAPEVINE_TEST_CLICKHOUSE_URL"] == nil
        {
            try await script("test-servers", "up")
            for line in try await script("test-servers", "env").split(separator: "\n") {
                let parts = line.split(separator: "=", maxSplits: 1)
                if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
            }
        }
        guard let postgresURL = variables["GRAPEVINE_TEST_POSTGRES_URL"],
            let redisURL = variables["GRAPEVINE_TEST_REDIS_URL"],
            let clickHouseURL = variables["GRAPEVINE_TEST_CLICKHOUSE_URL"]
        else { throw ProcessError("deploy/local/test-servers gave no addresses.") }
        return Addresses(
            postgresURL: postgresURL, redisURL: redisURL, clickHouseURL: clickHouseURL)
    }

    /// Runs a script of `deploy/local`.
    @discardableResult
    static func script(_ name: String, _ arguments: String...) async throws -> String {
        try await Command.run(
            "\(Repository.root)/deploy/local/\(name)", arguments, within: .seconds(120))
    }
}
