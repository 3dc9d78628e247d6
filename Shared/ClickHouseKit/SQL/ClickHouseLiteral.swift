package import FoundationEssentials
package import Kernel

/// A value that can stand in a statement.
package protocol ClickHouseLiteral: Sendable {
    /// The value in ClickHouse's own notation, complete: nothing in it can end it early.
    var clickHouseLiteral: String { get }
}

extension String: ClickHouseLiteral {
    /// In single quotes; what the server's lexer gives a meaning (quote, backslash, control
    /// characters) is escaped.
    package var clickHouseLiteral: String {
        var literal: [UInt8] = [UInt8(ascii: "'")]
        literal.reserveCapacity(utf8.count + 2)
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "'"), UInt8(ascii: "\\"):
                literal.append(UInt8(ascii: "\\"))
                literal.append(byte)
            case 0: literal += [UInt8(ascii: "\\"), UInt8(ascii: "0")]
            case UInt8(ascii: "\n"): literal += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
            case UInt8(ascii: "\r"): literal += [UInt8(ascii: "\\"), UInt8(ascii: "r")]
            case UInt8(ascii: "\t"): literal += [UInt8(ascii: "\\"), UInt8(ascii: "t")]
            default: literal.append(byte)
            }
        }
        literal.append(UInt8(ascii: "'"))
        return String(decoding: literal, as: UTF8.self)
    }
}

extension Int: ClickHouseLiteral {
    /// Negative numbers in parentheses, so that no sign meets another.
    package var clickHouseLiteral: String { self < 0 ? "(\(self))" : String(self) }
}

extension UInt64: ClickHouseLiteral {
    package var clickHouseLiteral: String { String(self) }
}

extension Int128: ClickHouseLiteral {
    /// A `Decimal(38,0)`.
    package var clickHouseLiteral: String { "toDecimal128('\(self)', 0)" }
}

extension UUID: ClickHouseLiteral {
    package var clickHouseLiteral: String { "toUUID('\(uuidString.lowercased())')" }
}

extension TypeID: ClickHouseLiteral {
    /// Its UUID.
    package var clickHouseLiteral: String { uuid.clickHouseLiteral }
}

extension Timestamp: ClickHouseLiteral {
    /// A `DateTime`: whole seconds, rounded down, kept within what the type can hold.
    package var clickHouseLiteral: String { "toDateTime(\(clickHouseSeconds), 'UTC')" }

    /// Seconds as `DateTime` stores them, 1970 to 2106.
    package var clickHouseSeconds: UInt32 { UInt32(clamping: unixSeconds) }
}
