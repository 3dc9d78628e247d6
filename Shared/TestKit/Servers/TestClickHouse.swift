package import ClickHouseKit
import HTTPKit
import Kernel
import Synchronization

import func Glibc.getpid

/// One database of the ClickHouse that all tests share. It is made by whoever migrates it first.
package struct TestClickHouse: Sendable {
    private static let count = Atomic<Int>(0)

    /// The URL with user, password and the database's name.
    package let url: String
    package let configuration: ClickHouseConfiguration
    private let http = HTTPClient(HTTPClientConfiguration(), world: World())

    /// A database of its own for one suite: `test_<process>_<number>`.
    package static func make() async throws -> TestClickHouse {
        let shared = try await TestServers.shared.addresses().clickHouseURL
        guard let slash = shared.lastIndex(of: "/") else {
            throw ProcessError("The test ClickHouse's URL names no database.")
        }
        let number = count.add(1, ordering: .relaxed).newValue
        return try TestClickHouse(url: "\(shared[...slash])test_\(getpid())_\(number)")
    }

    /// A database of another server, such as a private one.
    package init(url: String) throws(ClickHouseError) {
        self.url = url
        configuration = try ClickHouseConfiguration(url: url)
    }

    /// A client for it; all clients of this value share their connections.
    package func client() -> ClickHouseClient { ClickHouseClient(configuration, http: http) }

    /// Makes the database, when nothing that is tested does.
    package func create() async throws {
        try await client().execute(
            "CREATE DATABASE IF NOT EXISTS \(identifier: configuration.database)",
            inDatabase: false)
    }

    /// Deletes it. Never fails a test: what stays is dropped later.
    package func drop() async {
        try? await client().execute(
            "DROP DATABASE IF EXISTS \(identifier: configuration.database)", inDatabase: false)
    }

    /// Makes a database, lends it, and drops it whatever happens.
    package static func withDatabase<Value: Sendable>(
        _ body: (TestClickHouse) async throws -> Value
    ) async throws -> Value {
        let database = try await make()
        do {
            let value = try await body(database)
            await database.drop()
            return value
        } catch {
            await database.drop()
            throw error
        }
    }
}
