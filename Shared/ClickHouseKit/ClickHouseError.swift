import HTTPKit

/// What went wrong between us and ClickHouse.
///
/// `description` is safe for logs: it never holds values or text from the server.
/// `String(reflecting:)` adds the server's own message, for developers.
package struct ClickHouseError: Error, Sendable {
    /// What kind of failure it was. Open: more may come.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private let name: String

        package init(_ name: String) { self.name = name }

        package var description: String { name }

        /// No connection, or it was lost; see `outcomeIsUnknown`.
        package static let unavailable = Code("unavailable")
        /// The deadline passed on our side or on the server's.
        package static let timeout = Code("timeout")
        /// The server has too much to do or to keep: queries, memory, parts of a table.
        package static let overloaded = Code("overloaded")
        /// User, password or address are not accepted.
        package static let authentication = Code("authentication")
        /// The table or the database does not exist (yet).
        package static let unknownTable = Code("unknown_table")
        /// The server does not know a setting that was sent.
        package static let unknownSetting = Code("unknown_setting")
        /// Any other error of the server; `serverCode` says which.
        package static let server = Code("server")
        /// After an insert the table holds another number of the block's rows than were sent.
        package static let rowCount = Code("row_count")
        /// An answer does not have the form that the caller asked for.
        package static let decoding = Code("decoding")
        /// A statement or row cannot be sent (an empty list, a name that is none).
        package static let encoding = Code("encoding")
        /// The configuration cannot be used.
        package static let configuration = Code("configuration")
        /// The calling task was cancelled.
        package static let cancelled = Code("cancelled")
    }

    package let code: Code
    /// The server's exception code, when the server answered with one.
    package let serverCode: Int?
    /// Whether the statement may have taken effect, or may still do so, although no answer came.
    package let outcomeIsUnknown: Bool
    /// When trying again may help, as far as that is known.
    package let retryAfter: Duration?
    /// Why, in our own words; never data.
    let reason: String
    /// The server's own words; they may hold people's data.
    let serverMessage: String?

    init(
        _ code: Code, _ reason: String, serverCode: Int? = nil, serverMessage: String? = nil,
        outcomeIsUnknown: Bool = false, retryAfter: Duration? = nil
    ) {
        self.code = code
        self.reason = reason
        self.serverCode = serverCode
        self.serverMessage = serverMessage
        self.outcomeIsUnknown = outcomeIsUnknown
        self.retryAfter = retryAfter
    }

    /// A row's value that the caller cannot make sense of. `what` names the value, not its content.
    package static func unreadable(_ what: String) -> ClickHouseError {
        ClickHouseError(.decoding, "\(what) cannot be read")
    }

    /// Whether the same call could succeed later. Says nothing about whether it had its effect.
    package var isRetryable: Bool {
        switch code {
        case .unavailable, .timeout, .overloaded, .unknownTable, .unknownSetting, .rowCount: true
        default: false
        }
    }
}

extension ClickHouseError: CustomStringConvertible, CustomDebugStringConvertible {
    package var description: String {
        let number = serverCode.map { ", server code \($0)" } ?? ""
        return "ClickHouse: \(code) (\(reason)\(number))"
    }

    package var debugDescription: String {
        serverMessage.map { "\(description): \($0)" } ?? description
    }
}

extension ClickHouseError {
    /// What the client of HTTP reports.
    init(_ error: HTTPClientError) {
        switch error.code {
        case .connectionFailed, .circuitOpen, .overloaded, .shutDown:
            self.init(
                .unavailable, "\(error.code)", serverMessage: error.detail,
                retryAfter: error.retryAfter)
        case .connectionLost, .malformedResponse:
            self.init(
                .unavailable, "\(error.code)", serverMessage: error.detail, outcomeIsUnknown: true)
        case .timeout:
            self.init(.timeout, "no answer within the deadline", outcomeIsUnknown: true)
        case .responseTooLarge: self.init(.decoding, "the answer is too large")
        case .cancelled: self.init(.cancelled, "the task was cancelled", outcomeIsUnknown: true)
        default: self.init(.encoding, "\(error.code)", serverMessage: error.detail)
        }
    }

    /// What the server answered with another status than 200.
    ///
    /// Source: ClickHouse `ErrorCodes.cpp`. The code is in the text of every version ("Code: 60,"
    /// or "Code: 60."), and in a header of the newer ones.
    init(_ response: ClientResponse) {
        let text = String(decoding: response.body.prefix(4096), as: UTF8.self)
        let written = response.headers["X-ClickHouse-Exception-Code"].flatMap { Int($0) }
        let number = written ?? Self.code(in: text)
        let (code, reason) = Self.meaning(number, status: response.status)
        // Over a limit or ended in the middle: parts of an insert of several blocks may be there.
        self.init(
            code, reason, serverCode: number, serverMessage: text,
            outcomeIsUnknown: number == nil || code == .timeout)
    }

    static func code(in text: String) -> Int? {
        guard text.hasPrefix("Code: ") else { return nil }
        return Int(text.dropFirst(6).prefix { $0.isASCII && $0.isNumber })
    }

    private static func meaning(_ number: Int?, status: Int) -> (Code, String) {
        switch number {
        case 60, 81, 218: (.unknownTable, "a table or database does not exist")
        case 115: (.unknownSetting, "a setting is not known")
        case 159, 160, 394: (.timeout, "the server stopped the statement")
        case 202, 203, 241, 252, 439: (.overloaded, "the server has too much to do")
        case 192, 193, 194, 195, 497, 516: (.authentication, "the user was not accepted")
        case .some: (.server, "the server refused the statement")
        case nil where status == 502 || status == 503 || status == 504:
            (.unavailable, "status \(status)")
        case nil where status == 401 || status == 403:
            (.authentication, "status \(status)")
        case nil: (.server, "status \(status)")
        }
    }
}
