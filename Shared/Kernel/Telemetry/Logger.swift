/// Writes one JSON object a line. Carries ids, durations and codes; never people's data or secrets.
package struct Logger: Sendable {
    /// How much a line matters.
    package enum Level: Int, Sendable, Comparable, CaseIterable {
        case debug, info, notice, warning, error

        package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

        package var name: String {
            switch self {
            case .debug: "debug"
            case .info: "info"
            case .notice: "notice"
            case .warning: "warning"
            case .error: "error"
            }
        }
    }

    /// A value beside the message.
    package enum Value: Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
        ExpressibleByStringInterpolation, ExpressibleByBooleanLiteral
    {
        case text(String)
        case integer(Int)
        case number(Double)
        case boolean(Bool)

        package init(stringLiteral value: String) { self = .text(value) }
        package init(integerLiteral value: Int) { self = .integer(value) }
        package init(booleanLiteral value: Bool) { self = .boolean(value) }
    }

    private let minimum: Level
    private let clock: any TimeSource
    private let fixed: [(String, Value)]
    /// The fixed values as every line repeats them.
    private let fixedText: [UInt8]
    private let write: @Sendable (String) -> Void

    /// `write` receives whole lines without the line feed, from any thread, and must not block
    /// long.
    package init(
        minimum: Level = .info, clock: any TimeSource = SystemClock(),
        fixed: [(String, Value)] = [], write: @escaping @Sendable (String) -> Void
    ) {
        self.minimum = minimum
        self.clock = clock
        self.fixed = fixed
        var fixedText: [UInt8] = []
        for (name, value) in fixed { LogLine.append(name, value, to: &fixedText) }
        self.fixedText = fixedText
        self.write = write
    }

    /// Drops every line.
    package static let silent = Logger(minimum: .error, write: { _ in })

    /// The same logger with more values on every line.
    package func with(_ values: [(String, Value)]) -> Logger {
        Logger(minimum: minimum, clock: clock, fixed: fixed + values, write: write)
    }

    /// Writes one line; builds neither message nor values when the level is below the minimum.
    package func log(
        _ level: Level, _ message: @autoclosure () -> String,
        _ values: @autoclosure () -> [(String, Value)] = []
    ) {
        guard level >= minimum else { return }
        var line = LogLine(clock.now(), level, message(), fixedText)
        for (name, value) in values() { line.add(name, value) }
        write(line.finished)
    }

    /// The same without a list in between, for lines that every request writes.
    package func log(
        _ level: Level, _ message: @autoclosure () -> String, adding: (inout LogLine) -> Void
    ) {
        guard level >= minimum else { return }
        var line = LogLine(clock.now(), level, message(), fixedText)
        adding(&line)
        write(line.finished)
    }

    /// For who looks for a fault in the code.
    package func debug(_ message: @autoclosure () -> String, _ values: [(String, Value)] = []) {
        log(.debug, message(), values)
    }

    /// What normally happens.
    package func info(_ message: @autoclosure () -> String, _ values: [(String, Value)] = []) {
        log(.info, message(), values)
    }

    /// Rare and worth knowing, such as a start or a reconnect.
    package func notice(_ message: @autoclosure () -> String, _ values: [(String, Value)] = []) {
        log(.notice, message(), values)
    }

    /// Wrong, and the program goes on by itself.
    package func warning(_ message: @autoclosure () -> String, _ values: [(String, Value)] = []) {
        log(.warning, message(), values)
    }

    /// Wrong, and somebody has to look.
    package func error(_ message: @autoclosure () -> String, _ values: [(String, Value)] = []) {
        log(.error, message(), values)
    }
}
