import Foundation
import Kernel
import Testing

@Suite struct TimestampTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("1970-01-01T00:00:00.000001Z", 1),
        ("1970-01-01T00:00:00.0000019Z", 1), ("1969-12-31T23:59:59.999Z", -1000),
        ("1985-04-12T23:20:50.52Z", 482_196_050_520_000),
        ("1996-12-19T16:39:57-08:00", 851_042_397_000_000),
        ("1937-01-01T12:00:27.87+00:20", -1_041_337_172_130_000),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000_000),
        ("2000-02-29T12:00:00z", 951_825_600_000_000),
        (
            "2026-01-31t09:30:00.123456789+05:45",
            1_769_831_100_123_456
        ),
        ("2026-01-31 09:30:00-00:00", 1_769_851_800_000_000),
        ("0000-01-01T00:00:00Z", -62_167_219_200_000_000),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
    ])
    func `RFC 3339 is read to the microsecond`(text: String, microseconds: Int64) {
        #expect(Timestamp(text)?.microseconds == microseconds)
    }

    @Test(arguments: [
        "", "2026", "2026-01-31", "2026-01-31T09:30:00", "2026-01-31T09:30Z",
        "2026-01-31T09:30:00.Z", "2026-01-31T09:30:00.1234567890Z", "2026-1-31T09:30:00Z",
        "2026-00-31T09:30:00Z", "2026-13-01T09:30:00Z", "2026-01-00T09:30:00Z",
        "2026-01-32T09:30:00Z", "2026-04-31T09:30:00Z", "2026-02-29T09:30:00Z",
        "1900-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-01-31T24:00:00Z",
        "2026-01-31T09:60:00Z", "2026-01-31T09:30:60Z", "2016-12-31T23:59:60Z",
        "2026-01-31T09:30:00+24:00", "2026-01-31T09:30:00+05:60", "2026-01-31T09:30:00+0545",
        "2026-01-31T09:30:00+05", "2026-01-31T09:30:00ZZ", " 2026-01-31T09:30:00Z",
        "2026-01-31T09:30:00Z ", "+2026-01-31T09:30:00Z", "-026-01-31T09:30:00Z",
        "2026-01-31T09:30:00−05:00", "２026-01-31T09:30:00Z", "2026-01-31T09:30:00,5Z",
        "12026-01-31T09:30:00Z", "now",
    ])
    func `anything else is no time`(text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test(arguments: ["0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"])
    func `an offset that leads out of the four-digit years is no time`(text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
        (-1000, "1969-12-31T23:59:59.999Z"), (-86_400_000_000, "1969-12-31T00:00:00.000Z"),
        (-86_400_000_001, "1969-12-30T23:59:59.999Z"), (1999, "1970-01-01T00:00:00.001Z"),
        (951_782_400_000_000, "2000-02-29T00:00:00.000Z"),
        (4_107_542_400_000_000, "2100-03-01T00:00:00.000Z"),
        (253_402_300_799_999_999, "9999-12-31T23:59:59.999Z"),
        (.max, "9999-12-31T23:59:59.999Z"), (.min, "0000-01-01T00:00:00.000Z"),
    ])
    func `a time is written in UTC with milliseconds`(microseconds: Int64, text: String) {
        #expect(Timestamp(microseconds: microseconds).description == text)
    }

    @Test func `what is written is read again, over eight thousand years`() {
        var microseconds: Int64 = -30_000_000_000_000_000
        while microseconds < 220_000_000_000_000_000 {
            let time = Timestamp(microseconds: microseconds)
            #expect(Timestamp(time.description) == time)
            // A prime number of milliseconds, so that every field takes many values.
            microseconds += 86_399_999_000 * 7919
        }
    }

    @Test func `the calendar agrees with Foundation's on every day of four centuries`() {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        for day in -84_000..<84_000 where day % 11 == 0 {
            let date = Date(timeIntervalSince1970: Double(day) * 86_400)
            let parts = calendar.dateComponents([.year, .month, .day], from: date)
            let text = String(
                format: "%04d-%02d-%02dT00:00:00.000Z", parts.year ?? 0, parts.month ?? 0,
                parts.day ?? 0)
            #expect(Timestamp(microseconds: Int64(day) * 86_400_000_000).description == text)
        }
    }

    @Test func `times and durations add and subtract exactly`() {
        let time = Timestamp(microseconds: 10)
        #expect((time + .microseconds(5)).microseconds == 15)
        #expect((time - .seconds(1)).microseconds == -999_990)
        #expect(time + .seconds(3) - time == .seconds(3))
        #expect(time < time + .microseconds(1))
        #expect((time + .nanoseconds(1999)).microseconds == 11)
        #expect((time - .nanoseconds(1999)).microseconds == 9)
    }

    @Test(arguments: [(0, 0), (1, 0), (999_999, 0), (1_000_000, 1), (-1, -1), (-1_000_000, -1)])
    func `Unix seconds are rounded down`(microseconds: Int64, seconds: Int64) {
        #expect(Timestamp(microseconds: microseconds).unixSeconds == seconds)
    }

    @Test func `a time is a string in JSON`() throws {
        let time = try #require(Timestamp("2026-01-31T09:30:00.120Z"))
        let bytes = try JSONEncoder().encode([time])
        #expect(String(decoding: bytes, as: UTF8.self) == #"["2026-01-31T09:30:00.120Z"]"#)
        #expect(try JSONDecoder().decode([Timestamp].self, from: bytes) == [time])
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([Timestamp].self, from: Data("[\"2026-01-31\"]".utf8))
        }
    }
}
