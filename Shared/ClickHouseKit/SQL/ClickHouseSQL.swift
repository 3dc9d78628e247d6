/// A statement with its values written into it, each as a literal that cannot end early.
///
///     let statement: ClickHouseSQL = "SELECT count() FROM events WHERE client_id = \(clientID)"
///
/// ClickHouse 18.16 has no parameters, so values become escaped literals here and nowhere else.
/// Text comes only from literals of the source: there is no way to paste a `String`. Names are
/// given with `\(identifier: …)`, other statements with `\(fragment)` or `+`.
package struct ClickHouseSQL: Sendable, ExpressibleByStringInterpolation {
    /// As the server gets it.
    package private(set) var text: String
    /// Why it must not be sent; found by the client.
    private(set) var failure: String?

    package init(stringLiteral value: String) { text = value }

    package init(stringInterpolation: Interpolation) { self = stringInterpolation.sql }

    /// One statement after the other; adds no white space.
    package static func + (left: ClickHouseSQL, right: ClickHouseSQL) -> ClickHouseSQL {
        var sum = left
        sum.append(right)
        return sum
    }

    package static func += (left: inout ClickHouseSQL, right: ClickHouseSQL) { left.append(right) }

    private mutating func append(_ other: ClickHouseSQL) {
        text += other.text
        failure = failure ?? other.failure
    }

    /// What the compiler calls for an interpolated literal.
    package struct Interpolation: StringInterpolationProtocol {
        fileprivate var sql: ClickHouseSQL = ""

        package init(literalCapacity: Int, interpolationCount: Int) {
            sql.text.reserveCapacity(literalCapacity + interpolationCount * 16)
        }

        package mutating func appendLiteral(_ literal: String) { sql.text += literal }

        /// A value as a literal.
        package mutating func appendInterpolation(_ value: some ClickHouseLiteral) {
            sql.text += value.clickHouseLiteral
        }

        /// Values in parentheses, for `IN`. Without any the statement cannot be sent: an empty list
        /// is a syntax error, and leaving the condition out would mean everything.
        package mutating func appendInterpolation(
            list values: some Collection<some ClickHouseLiteral>
        ) {
            if values.isEmpty { sql.failure = "a list without values" }
            sql.text += "(" + values.map(\.clickHouseLiteral).joined(separator: ", ") + ")"
        }

        /// Another statement.
        package mutating func appendInterpolation(_ fragment: ClickHouseSQL) {
            sql.append(fragment)
        }

        /// The name of a database, table or column: 1 to 200 letters, digits and `_`.
        package mutating func appendInterpolation(identifier name: String) {
            if !ClickHouseSQL.isIdentifier(name) { sql.failure = "a name that is none" }
            sql.text += name
        }
    }

    static func isIdentifier(_ name: String) -> Bool {
        (1...200).contains(name.utf8.count) && !(48...57).contains(name.utf8.first ?? 48)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    48...57, UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}
