import PostgresKit

/// The table of `pgbench -i`, read as `pgbench -S` reads it.
struct Accounts: Sendable {
    let count: Int

    /// Reads the balance of an account chosen by chance.
    func readOne(_ postgres: PostgresClient) async throws -> Int32 {
        let account = Int32(truncatingIfNeeded: Int.random(in: 1...count))
        let row = try await postgres.queryOne(
            "SELECT abalance FROM pgbench_accounts WHERE aid = \(account)")
        guard let row else { throw MissingAccount(account: account) }
        return try row.get("abalance")
    }
}

struct MissingAccount: Error {
    let account: Int32
}
