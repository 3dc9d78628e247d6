import Foundation
import Kernel
import TestKit
import Testing

@Suite struct LoggerTests {
    private let log = RecordedLog()

    private func member(_ name: String) throws -> JSONValue? {
        let line = try #require(log.lines.last)
        return try JSONDecoder().decode(JSONValue.self, from: Data(line.utf8))[name]
    }

    @Test func `a line is one JSON object with time, level, message and values`() throws {
        let logger = log.logger(clock: TestClock()).with([("service", "event")])
        logger.warning("slow", [("ms", 12), ("ratio", .number(0.5)), ("ok", false)])
        #expect(
            log.lines == [
                #"{"time":"2026-01-01T00:00:00.000Z","level":"warning","message":"slow","#
                    + #""service":"event","ms":12,"ratio":0.5,"ok":false}"#
            ])
    }

    @Test func `any text stays one line of valid JSON`() throws {
        let logger = log.logger()
        let texts = [
            "quote \" backslash \\ slash /", "line\nfeed\r\ncarriage\rtab\t", "\0\u{1}\u{1F}\u{7F}",
            "\u{2028}\u{2029}", "grape 🍇 é e\u{301}", "\u{FFFF}\u{10FFFF}", "", "</script>",
        ]
        for text in texts {
            logger.error(text, [("value", .text(text)), ("n\"\n\(text)", 1)])
            let line = try #require(log.lines.last)
            #expect(!line.utf8.contains { $0 < 0x20 || $0 == 0x7F })
            #expect(!line.unicodeScalars.contains("\u{2028}"))
            #expect(try member("message") == .string(text))
            #expect(try member("value") == .string(text))
            #expect(try member("n\"\n\(text)") == 1)
        }
    }

    @Test func `a number that JSON cannot write is null`() throws {
        for value in [Double.nan, .infinity, -.infinity] {
            log.logger().error("x", [("n", .number(value))])
            #expect(try member("n") == .null)
        }
        log.logger().error("x", [("n", .number(1e300))])
        #expect(try member("n")?.number?.double == 1e300)
    }

    @Test func `lines below the minimum are not even built`() {
        var built = 0
        func message() -> String {
            built += 1
            return "x"
        }
        let recorded = RecordedLog()
        let logger = Logger(minimum: .warning) { _ = recorded.logger().error($0) as Void? }
        logger.info(message())
        #expect(built == 0)
        logger.warning(message())
        #expect(built == 1)
        #expect(Logger.Level.allCases.sorted() == [.debug, .info, .notice, .warning, .error])
    }
}
