import Kernel
import PostgresKit

extension Gathering {
    /// Writes of callers at the same time, in one statement.
    static func gathering(
        _ work: @escaping @Sendable ([Item]) async throws -> [Answer]
    ) -> Gathering {
        Gathering(
            limit: 100, interval: .milliseconds(5),
            isEverybodys: { ($0 as? PostgresError).map { $0.isOutage } ?? false }, work: work)
    }
}

extension PostgresError {
    /// Whether it says nothing of the rows that were written.
    fileprivate var isOutage: Bool {
        [.unavailable, .poolTimeout, .deadlineExceeded, .queryCanceled, .closed].contains(code)
    }
}
