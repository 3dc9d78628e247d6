/// Calendar arithmetic after Howard Hinnant, "chrono-compatible low-level date algorithms".
private enum Civil {
    static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    static func date(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth + (shiftedMonth < 10 ? 3 : -9)
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    /// From 0000-01-01T00:00:00Z to the last microsecond of 9999.
    static let writtenMicroseconds =
        days(year: 0, month: 1, day: 1) * 86_400_000_000...days(year: 10_000, month: 1, day: 1)
        * 86_400_000_000 - 1

    static func daysInMonth(year: Int64, month: Int64) -> Int64 {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 in UTC with milliseconds (`2026-01-31T09:30:00.123Z`); finer parts are cut off.
    ///
    /// The notation has four-digit years only: an instant beyond them is written as the last
    /// (or first) one that it has.
    package var description: String {
        let range = Civil.writtenMicroseconds
        let microseconds = min(max(microseconds, range.lowerBound), range.upperBound)
        let day =
            microseconds >= 0 || microseconds % 86_400_000_000 == 0
            ? microseconds / 86_400_000_000 : microseconds / 86_400_000_000 - 1
        let (year, month, dayOfMonth) = Civil.date(days: day)
        let millisOfDay = (microseconds - day * 86_400_000_000) / 1000
        return String(unsafeUninitializedCapacity: 24) { buffer in
            func put(_ value: Int64, at start: Int, digits: Int) {
                var rest = value
                for index in stride(from: start + digits - 1, through: start, by: -1) {
                    buffer[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                    rest /= 10
                }
            }
            put(year, at: 0, digits: 4)
            put(month, at: 5, digits: 2)
            put(dayOfMonth, at: 8, digits: 2)
            put(millisOfDay / 3_600_000, at: 11, digits: 2)
            put(millisOfDay / 60_000 % 60, at: 14, digits: 2)
            put(millisOfDay / 1000 % 60, at: 17, digits: 2)
            put(millisOfDay % 1000, at: 20, digits: 3)
            for (index, mark) in [
                (4, UInt8(ascii: "-")), (7, UInt8(ascii: "-")), (10, UInt8(ascii: "T")),
                (13, UInt8(ascii: ":")), (16, UInt8(ascii: ":")), (19, UInt8(ascii: ".")),
                (23, UInt8(ascii: "Z")),
            ] {
                buffer[index] = mark
            }
            return 24
        }
    }

    /// Reads RFC 3339 with `Z` or an offset and up to nine fractional digits (beyond six cut off).
    ///
    /// Nil for anything else: a missing offset, an impossible date, a leap second, an instant that
    /// lies outside the years 0000 to 9999 in UTC.
    package init?(_ text: some StringProtocol) {
        self.init(utf8: Array(text.utf8)[...])
    }

    /// Reads RFC 3339 from its bytes, as above.
    package init?(utf8 bytes: ArraySlice<UInt8>) {
        var reader = RFC3339Reader(bytes: bytes)
        guard let value = reader.read() else { return nil }
        self.init(microseconds: value)
    }
}

private struct RFC3339Reader {
    let bytes: ArraySlice<UInt8>
    var index: Int

    init(bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        index = bytes.startIndex
    }

    mutating func read() -> Int64? {
        guard let year = number(4), skip("-"), let month = number(2), skip("-"),
            let day = number(2), skip("T") || skip("t") || skip(" "),
            let hour = number(2), skip(":"), let minute = number(2), skip(":"),
            let second = number(2), let fraction = fraction(), let offset = offset(),
            index == bytes.endIndex,
            (1...12).contains(month), day >= 1,
            day <= Civil.daysInMonth(year: year, month: month),
            hour < 24, minute < 60, second < 60
        else { return nil }
        let days = Civil.days(year: year, month: month, day: day)
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
        let microseconds = seconds * 1_000_000 + fraction
        return Civil.writtenMicroseconds.contains(microseconds) ? microseconds : nil
    }

    private mutating func number(_ digits: Int) -> Int64? {
        guard index + digits <= bytes.endIndex else { return nil }
        var value: Int64 = 0
        for _ in 0..<digits {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            value = value * 10 + Int64(digit)
            index += 1
        }
        return value
    }

    private mutating func skip(_ mark: Unicode.Scalar) -> Bool {
        guard index < bytes.endIndex, bytes[index] == UInt8(ascii: mark) else { return false }
        index += 1
        return true
    }

    /// Microseconds after an optional point; nil when the point has no digit or more than nine.
    private mutating func fraction() -> Int64? {
        guard skip(".") else { return 0 }
        var value: Int64 = 0
        var count = 0
        while index < bytes.endIndex, bytes[index] &- UInt8(ascii: "0") < 10 {
            if count < 6 { value = value * 10 + Int64(bytes[index] - UInt8(ascii: "0")) }
            count += 1
            index += 1
        }
        guard (1...9).contains(count) else { return nil }
        for _ in min(count, 6)..<6 { value *= 10 }
        return value
    }

    /// Seconds east of UTC.
    private mutating func offset() -> Int64? {
        if skip("Z") || skip("z") { return 0 }
        let sign: Int64
        if skip("+") { sign = 1 } else if skip("-") { sign = -1 } else { return nil }
        guard let hours = number(2), skip(":"), let minutes = number(2), hours < 24, minutes < 60
        else { return nil }
        return sign * (hours * 3600 + minutes * 60)
    }
}

extension Timestamp: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let value = Self(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "Expected a time such as 2026-01-31T09:30:00.000Z.")
        }
        self = value
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
