import Glibc
import Kernel
import PostgresKit

/// Reads single rows as fast as so many callers can, each waiting for its answer.
struct ReadLoop {
    private let databaseURL: String
    private let accounts: Accounts
    private let callers: Int
    private let seconds: Int

    /// `ROWS CALLERS SECONDS`; the database's URL is in the environment, where no list of
    /// processes shows it.
    init(arguments: ArraySlice<String>) throws {
        let numbers = arguments.compactMap { Int($0) }
        guard numbers.count == 3, numbers.allSatisfy({ $0 > 0 }),
            let url = unsafe getenv("GRAPEVINE_DATABASE_URL")
        else { throw Misuse.needsNumbersAndURL }
        databaseURL = unsafe String(cString: url)
        accounts = Accounts(count: numbers[0])
        callers = numbers[1]
        seconds = numbers[2]
    }

    /// One line: reads per second and the time that one takes.
    func run() async throws -> String {
        let postgres = PostgresClient(
            try PostgresConfiguration(url: databaseURL), telemetry: Telemetry())
        try await postgres.ping()
        let begin = ContinuousClock.now
        let end = begin + .seconds(seconds)
        var times = try await withThrowingTaskGroup(of: [Int32].self) { group in
            for _ in 0..<callers {
                group.addTask { try await read(postgres, until: end) }
            }
            return try await group.reduce(into: [Int32]()) { $0 += $1 }
        }
        let spent = begin.duration(to: .now).wholeMicroseconds
        await postgres.shutdown()
        times.sort()
        let rate = Int64(times.count) * 1_000_000 / max(1, spent)
        return "per_second=\(rate) p50_microseconds=\(times[times.count / 2])"
            + " p99_microseconds=\(times[times.count * 99 / 100])"
    }

    private func read(
        _ postgres: PostgresClient, until end: ContinuousClock.Instant
    ) async throws -> [Int32] {
        var times: [Int32] = []
        times.reserveCapacity(100_000)
        var now = ContinuousClock.now
        while now < end {
            _ = try await accounts.readOne(postgres)
            let later = ContinuousClock.now
            times.append(Int32(clamping: now.duration(to: later).wholeMicroseconds))
            now = later
        }
        return times
    }

    private enum Misuse: Error {
        case needsNumbersAndURL
    }
}
