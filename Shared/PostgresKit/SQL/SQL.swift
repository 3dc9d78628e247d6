/// A statement and its values. Interpolation can only bind, never paste:
///
///     let statement: SQL = "select name from client where id = \(id)"   // … where id = $1
///
/// Text is pasted only by `\(unsafeRaw: …)`; a quoted name by `\(identifier: …)`; another statement
/// with its values by `\(fragment)` or `+`. A value that cannot be sent (NUL in text, a number
/// beyond 38 digits) makes the call throw `.encoding` before anything is sent.
package struct SQL: Sendable, ExpressibleByStringInterpolation {
    /// The text as the server gets it, with `$1`, `$2`, ….
    package private(set) var text: String
    private(set) var parameters = ParameterBuffer()
    /// Where each placeholder begins, as a UTF-8 offset, so that fragments can be renumbered.
    private var placeholders: [Int] = []

    package init(stringLiteral value: String) { text = value }

    package init(stringInterpolation: Interpolation) { self = stringInterpolation.sql }

    /// Takes the text as it is. For text that no outsider can influence.
    package init(unsafeRaw text: String) {
        self.text = text
        refuseNUL(in: text)
    }

    /// How many values are bound.
    package var parameterCount: Int { parameters.entries.count }

    /// One statement after the other, the right one's placeholders renumbered. Adds no white space.
    package static func + (left: SQL, right: SQL) -> SQL {
        var sum = left
        sum.append(right)
        return sum
    }

    package static func += (left: inout SQL, right: SQL) { left.append(right) }

    fileprivate mutating func append(_ other: SQL) {
        guard !other.placeholders.isEmpty else {
            text += other.text
            return parameters.append(other.parameters)
        }
        let bytes = other.text.utf8
        var rest = bytes.startIndex
        for offset in other.placeholders {
            let start = bytes.index(bytes.startIndex, offsetBy: offset)
            text += other.text[rest..<start]
            appendPlaceholder()
            rest = bytes.index(after: start)
            while rest < bytes.endIndex, (48...57).contains(bytes[rest]) {
                rest = bytes.index(after: rest)
            }
        }
        text += other.text[rest...]
        parameters.append(other.parameters)
    }

    /// libpq takes statements as C strings: what follows a NUL would be lost without a word.
    private mutating func refuseNUL(in text: String) {
        if text.utf8.contains(0) { parameters.fail("a statement with a NUL character") }
    }

    fileprivate mutating func append(literal: String) { text += literal }

    fileprivate mutating func bind(_ value: some PostgresEncodable) {
        appendPlaceholder()
        parameters.append(value)
    }

    private mutating func appendPlaceholder() {
        placeholders.append(text.utf8.count)
        text += "$"
        text += String(placeholders.count)
    }
}

extension SQL {
    /// What the compiler calls for an interpolated literal.
    package struct Interpolation: StringInterpolationProtocol {
        fileprivate var sql = SQL(unsafeRaw: "")

        package init(literalCapacity: Int, interpolationCount: Int) {}

        package mutating func appendLiteral(_ literal: String) { sql.append(literal: literal) }

        /// Binds a value.
        package mutating func appendInterpolation(_ value: some PostgresEncodable) {
            sql.bind(value)
        }

        /// Binds a value or NULL. Its own overload, because the compiler warns of optionals in an
        /// interpolation that does not name them.
        package mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value?) {
            sql.bind(value)
        }

        /// Binds an enumeration with text values as text.
        @_disfavoredOverload
        package mutating func appendInterpolation<Choice: RawRepresentable>(_ value: Choice)
        where Choice.RawValue == String {
            sql.bind(value.rawValue)
        }

        /// Binds an enumeration with text values as text, or NULL.
        @_disfavoredOverload
        package mutating func appendInterpolation<Choice: RawRepresentable>(_ value: Choice?)
        where Choice.RawValue == String {
            sql.bind(value?.rawValue)
        }

        /// Binds enumerations with text values as an array of text.
        @_disfavoredOverload
        package mutating func appendInterpolation<Choice: RawRepresentable>(_ values: [Choice])
        where Choice.RawValue == String {
            sql.bind(values.map(\.rawValue))
        }

        /// Puts in another statement and its values.
        package mutating func appendInterpolation(_ fragment: SQL) { sql.append(fragment) }

        /// Pastes text as it is: an open door for injection unless the text is ours.
        package mutating func appendInterpolation(unsafeRaw text: String) {
            sql.append(SQL(unsafeRaw: text))
        }

        /// A name of a table, column or channel, in double quotes.
        package mutating func appendInterpolation(identifier name: String) {
            sql.append(literal: SQL.quotedIdentifier(name))
        }
    }

    static func quotedIdentifier(_ name: String) -> String {
        var quoted = "\""
        for scalar in name.unicodeScalars where scalar != "\0" {
            if scalar == "\"" { quoted += "\"" }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "\""
    }
}
