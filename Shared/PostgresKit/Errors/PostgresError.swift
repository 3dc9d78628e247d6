/// What went wrong between us and PostgreSQL.
///
/// `description` is safe for logs: it never holds values or text from the server.
/// `String(reflecting:)` adds the server's own message, for developers.
package struct PostgresError: Error, Sendable {
    /// What kind of failure it was. Open: more may come.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private let name: String

        package init(_ name: String) { self.name = name }

        package var description: String { name }

        package static let uniqueViolation = Code("unique_violation")
        package static let checkViolation = Code("check_violation")
        package static let foreignKeyViolation = Code("foreign_key_violation")
        package static let notNullViolation = Code("not_null_violation")
        package static let exclusionViolation = Code("exclusion_violation")
        /// `raise exception` in a function or trigger.
        package static let raisedException = Code("raised_exception")
        package static let serializationFailure = Code("serialization_failure")
        package static let deadlock = Code("deadlock")
        /// `lock_timeout` passed, or `nowait` met a lock.
        package static let lockNotAvailable = Code("lock_not_available")
        /// The server stopped the statement: `statement_timeout`, or somebody's cancel.
        package static let queryCanceled = Code("query_canceled")
        /// The deadline of the call passed on our side.
        package static let deadlineExceeded = Code("deadline_exceeded")
        /// The calling task was cancelled.
        package static let taskCanceled = Code("task_canceled")
        /// No connection, or it was lost; see `outcomeIsUnknown`.
        package static let unavailable = Code("unavailable")
        /// No connection became free within the pool's wait limit.
        package static let poolTimeout = Code("pool_timeout")
        /// The connection was lost while COMMIT was under way: the transaction may have happened.
        package static let commitUnknown = Code("commit_unknown")
        /// A statement of this transaction failed before; only rolling back is left.
        package static let transactionAborted = Code("transaction_aborted")
        /// The table changed under a prepared statement; it runs again after being prepared anew.
        package static let stalePlan = Code("stale_plan")
        /// A value does not have the form its column wants (class 22).
        package static let invalidValue = Code("invalid_value")
        /// The statement itself is wrong, or the role may not run it (class 42).
        package static let invalidStatement = Code("invalid_statement")
        /// A result does not have the type the caller asked for.
        package static let decoding = Code("decoding")
        /// A value cannot be sent (a NUL character in text, a number beyond 38 digits).
        package static let encoding = Code("encoding")
        /// The configuration cannot be used.
        package static let configuration = Code("configuration")
        /// The client, connection or transaction was used after its end.
        package static let closed = Code("closed")
        /// A migration was changed, is missing, or failed.
        package static let migration = Code("migration")
        /// Any other error of the server; `sqlState` says which.
        package static let server = Code("server")
    }

    /// Boxed: errors travel through every typed throw, so they are one word wide.
    private final class Storage: Sendable {
        let code: Code
        let reason: String
        let details: ServerDetails?
        let outcomeIsUnknown: Bool

        init(code: Code, reason: String, details: ServerDetails?, outcomeIsUnknown: Bool) {
            self.code = code
            self.reason = reason
            self.details = details
            self.outcomeIsUnknown = outcomeIsUnknown
        }
    }

    private let storage: Storage

    init(
        _ code: Code, _ reason: String, details: ServerDetails? = nil,
        outcomeIsUnknown: Bool = false
    ) {
        storage = Storage(
            code: code, reason: reason, details: details, outcomeIsUnknown: outcomeIsUnknown)
    }

    /// A row's value that the caller cannot make sense of, for `RowDecodable` types. Code
    /// `.decoding`.
    ///
    /// `what` names the value, not its content.
    package static func unreadable(_ what: String) -> PostgresError {
        PostgresError(.decoding, "\(what) cannot be read")
    }

    package var code: Code { storage.code }

    /// The server's five-character code, when the server answered.
    package var sqlState: String? { storage.details?.sqlState }

    /// The violated constraint, when the server named one.
    package var constraint: String? { storage.details?.constraint }

    /// Whether the statement may have taken effect although no answer came.
    package var outcomeIsUnknown: Bool { storage.outcomeIsUnknown }

    /// Whether running the whole transaction again may succeed and cannot do anything twice.
    package var isRetryable: Bool {
        switch code {
        case .serializationFailure, .deadlock, .lockNotAvailable, .poolTimeout, .stalePlan: true
        case .unavailable: !outcomeIsUnknown
        default: false
        }
    }

    /// Why, in our own words; never data.
    var reason: String { storage.reason }

    var details: ServerDetails? { storage.details }

    /// The same error, told as one after which nobody knows whether the effect took place.
    func withUnknownOutcome(_ code: Code) -> PostgresError {
        PostgresError(code, reason, details: details, outcomeIsUnknown: true)
    }
}

extension PostgresError: CustomStringConvertible, CustomDebugStringConvertible {
    package var description: String {
        var text = "PostgreSQL: \(code) (\(reason)"
        if let sqlState { text += ", SQLSTATE \(sqlState)" }
        if let constraint { text += ", constraint \(constraint)" }
        return text + ")"
    }

    package var debugDescription: String {
        guard let details else { return description }
        var text = "\(description): \(details.message)"
        if let detail = details.detail { text += " — \(detail)" }
        if let hint = details.hint { text += " — \(hint)" }
        if let context = details.context { text += " [\(context)]" }
        if let statement = details.statement { text += "\nStatement: \(statement)" }
        return text
    }
}

/// What the server said with an error. Its texts may hold people's data.
struct ServerDetails: Sendable {
    var sqlState: String
    var severity = ""
    var message: String
    var detail: String?
    var hint: String?
    var context: String?
    var constraint: String?
    /// The text of the statement, without its values.
    var statement: String?

    /// Whether the server ended the connection with this error.
    var isFatal: Bool { severity == "FATAL" || severity == "PANIC" }
}

extension PostgresError {
    /// The error that the server reported.
    ///
    /// Source: PostgreSQL 15 manual, appendix A.
    init(server details: ServerDetails) {
        let (code, reason) = Self.meaning(details)
        self.init(code, reason, details: details)
    }

    private static func meaning(_ details: ServerDetails) -> (Code, String) {
        switch details.sqlState {
        case "23505": (.uniqueViolation, "the value exists already")
        case "23514": (.checkViolation, "a check constraint refused the row")
        case "23503": (.foreignKeyViolation, "a referenced row is missing or still used")
        case "23502": (.notNullViolation, "a required value is missing")
        case "23P01": (.exclusionViolation, "the row conflicts with another")
        case "P0001": (.raisedException, "a function of the database refused")
        case "40001": (.serializationFailure, "a concurrent transaction was in the way")
        case "40P01": (.deadlock, "transactions waited for each other")
        case "55P03": (.lockNotAvailable, "the lock was not free in time")
        case "57014": (.queryCanceled, "the statement was cancelled or took too long")
        case "25P02": (.transactionAborted, "an earlier statement of the transaction failed")
        case "0A000" where details.message.contains("cached plan"), "26000":
            (.stalePlan, "the prepared statement no longer fits its tables")
        case "57P01", "57P02", "57P03", "57P05", "53300", "25P03":
            (.unavailable, "the server ended or refused the connection")
        case let state where state.hasPrefix("08"): (.unavailable, "the connection failed")
        case let state where state.hasPrefix("22"): (.invalidValue, "a value was not acceptable")
        case let state where state.hasPrefix("42"), let state where state.hasPrefix("3D"):
            (.invalidStatement, "the statement was not acceptable")
        default: (.server, "the server reported an error")
        }
    }
}
