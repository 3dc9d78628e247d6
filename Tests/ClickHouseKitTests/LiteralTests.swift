import ClickHouseKit
import FoundationEssentials
import Kernel
import TestKit
import Testing

/// Values come back as they went in, whatever is in them.
@Suite(.timeLimit(.minutes(2))) struct LiteralTests {
    static let hostile: [String] = [
        "", " ", "'", "''", "\\", "\\\\", "\\'", "'\\", "a'b", "a\\'b", "\\x41", "\\N", "\\0",
        "' OR 1=1 -- ", "'; DROP TABLE events; --", "') UNION ALL SELECT 1 --", "/* */ */",
        "\0", "a\0b", "\n", "\r\n", "\t", "\u{8}\u{c}\u{7}\u{1b}", "\u{7f}", "ü", "漢字", "👩‍👧‍👦",
        "\u{202e}evil", "\u{2028}", "\u{feff}", "%s %d {x:String}", "$1", "`backtick`", "\"quote\"",
        "{\"json\":\"\\\"\\\\\"}", String(repeating: "'\\", count: 500),
    ]

    @Test func `hostile strings stay strings`() async throws {
        let client = try await TestClickHouse.make().client()
        for text in Self.hostile {
            let rows = try await client.query(
                """
                SELECT hex(\(text)) AS bytes, length(\(text)) AS bytes_count,
                    \(text) = \(text) AND 1 AS same
                FROM system.one
                """, inDatabase: false)
            let expected = text.utf8.map { byte in
                let digits = String(byte, radix: 16, uppercase: true)
                return digits.count == 1 ? "0\(digits)" : digits
            }
            #expect(try rows.first?.get("bytes") == expected.joined(), "\(text.debugDescription)")
            #expect(try rows.first?.get("bytes_count") == text.utf8.count)
            #expect(try rows.first?.get("same") == true)
        }
    }

    @Test func `hostile strings come back through inserts and answers`() async throws {
        try await TestClickHouse.withDatabase { database in
            let client = database.client()
            try await database.create()
            try await client.execute(
                "CREATE TABLE words (id UInt32, word String) ENGINE = MergeTree ORDER BY id")
            var block = ClickHouseBlock(columns: ["id", "word"])
            for (number, text) in Self.hostile.enumerated() {
                block.append { row in
                    row.uint32(UInt32(number))
                    row.string(text)
                }
            }
            try await client.insert(block, into: "words")
            for (number, text) in Self.hostile.enumerated() {
                let rows = try await client.query(
                    "SELECT word FROM words WHERE word = \(text) AND id = \(number)")
                let found: [String] = try rows.map { try $0.get("word") }
                #expect(found == [text], "\(text.debugDescription)")
            }
        }
    }

    @Test func `numbers, ids and times keep their value`() async throws {
        let client = try await TestClickHouse.make().client()
        let id = CampaignID(UUID())
        let time = Timestamp(microseconds: 1_795_000_000_999_999)
        let rows = try await client.query(
            """
            SELECT 7 - \(-5) AS difference, \(Int.max) AS large, \(UInt64.max) AS larger,
                \(Amount.maximumUnits) AS largest, \(-Amount.maximumUnits) AS least,
                \(id) AS id, toUInt32(\(time)) AS seconds
            """, inDatabase: false)
        let row = try #require(rows.first)
        #expect(try row.get("difference") == 12)
        #expect(try row.get("large") == Int.max)
        #expect(try row.get("larger") == UInt64.max)
        #expect(try row.get("largest") == Amount.maximumUnits)
        #expect(try row.get("least") == -Amount.maximumUnits)
        #expect(try row.get("id") == id)
        #expect(try row.get("seconds") == 1_795_000_000)
    }

    @Test func `a list without values and a name that is none are never sent`() async throws {
        let client = try await TestClickHouse.make().client()
        let nothing: [String] = []
        for sql: ClickHouseSQL in [
            "SELECT 1 WHERE 'a' IN \(list: nothing)", "SELECT 1 FROM \(identifier: "a; b")",
            "SELECT 1 FROM \(identifier: "")", "SELECT 1 FROM \(identifier: "1a")",
        ] {
            let error = await #expect(throws: ClickHouseError.self) {
                try await client.query(sql, inDatabase: false)
            }
            #expect(error?.code == .encoding)
        }
    }
}
