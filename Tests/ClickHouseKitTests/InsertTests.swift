import ClickHouseKit
import FoundationEssentials
import HTTPKit
import Kernel
import TestKit
import Testing

/// All rows of a block, or none.
@Suite(.timeLimit(.minutes(2))) struct InsertTests {
    private static func withTable(
        _ body: (ClickHouseClient, TestClickHouse) async throws -> Void
    ) async throws {
        try await TestClickHouse.withDatabase { database in
            try await database.create()
            try await database.client().execute(
                """
                CREATE TABLE numbers (n UInt64, id UUID, small UInt8, middle UInt16, signed Int64,
                    amount Decimal(38, 0), at DateTime('UTC'), word String)
                ENGINE = MergeTree ORDER BY n
                """)
            try await body(database.client(), database)
        }
    }

    private static let columns = [
        "n", "id", "small", "middle", "signed", "amount", "at", "word",
    ]

    private static func block(_ range: Range<Int>, id: UUID = UUID()) -> ClickHouseBlock {
        var block = ClickHouseBlock(columns: columns)
        for number in range {
            block.append { row in
                row.uint64(UInt64(number))
                row.uuid(id)
                row.uint8(UInt8(truncatingIfNeeded: number))
                row.uint16(UInt16(truncatingIfNeeded: number))
                row.int64(Int64(-number))
                row.decimal(Amount.maximumUnits)
                row.dateTime(Timestamp(microseconds: 1_795_000_000_500_000))
                row.string("word \(number)")
            }
        }
        return block
    }

    @Test func `every type arrives as it was`() async throws {
        try await Self.withTable { client, _ in
            let id = UUID()
            try await client.insert(Self.block(7..<8, id: id), into: "numbers")
            let rows = try await client.query(
                """
                SELECT n, id, small, middle, signed, amount,
                    toUInt32(at) AS at, word FROM numbers
                """)
            let row = try #require(rows.first)
            #expect(try row.get("n") == 7)
            #expect(try row.get("id") == id)
            #expect(try row.get("small") == 7)
            #expect(try row.get("middle") == 7)
            #expect(try row.get("signed") == -7)
            #expect(try row.get("amount") == Amount.maximumUnits)
            #expect(try row.get("at") == 1_795_000_000)
            #expect(try row.get("word") == "word 7")
        }
    }

    @Test func `rows are counted after an insert`() async throws {
        try await Self.withTable { client, _ in
            try await client.insert(
                Self.block(0..<5000), into: "numbers", counting: "n < 5000", distinct: "n")
            let error = await #expect(throws: ClickHouseError.self) {
                try await client.insert(
                    Self.block(5000..<6000), into: "numbers", counting: "n > 5500", distinct: "n")
            }
            #expect(error?.code == .rowCount)
        }
    }

    /// ClickHouse 18.16 keeps the whole rows of a plain body that is cut off at a row's end, and
    /// answers 200: with gzip the same cut fails.
    @Test func `an insert that is cut off in the middle stores nothing`() async throws {
        try await Self.withTable { client, database in
            let block = Self.block(0..<1000)
            let packed = try #require(Gzip.pack(block.bytes))
            for length in [packed.count / 4, packed.count / 2, packed.count - 8, packed.count - 1] {
                let answer = try await Self.sendCut(
                    packed, at: length, isPacked: true, to: database)
                #expect(!answer.hasPrefix("HTTP/1.1 200"), "\(length) of \(packed.count) bytes")
            }
            let rows = try await client.query("SELECT count() AS n FROM numbers")
            #expect(try rows.first?.get("n") == 0)
        }
    }

    @Test func `an insert with a broken row in the middle stores nothing`() async throws {
        try await Self.withTable { client, database in
            var bytes = Self.block(0..<100).bytes
            bytes += [1, 2, 3]
            let packed = try #require(Gzip.pack(bytes))
            let answer = try await Self.sendCut(
                packed, at: packed.count, isPacked: true, to: database)
            #expect(!answer.hasPrefix("HTTP/1.1 200"))
            let rows = try await client.query("SELECT count() AS n FROM numbers")
            #expect(try rows.first?.get("n") == 0)
        }
    }

    /// A body of which only a part is sent before the connection is half closed.
    private static func sendCut(
        _ body: [UInt8], at length: Int, isPacked: Bool, to database: TestClickHouse
    ) async throws -> String {
        let url = database.url.dropFirst("http://".count)
        let at = try #require(url.lastIndex(of: "@"))
        let slash = try #require(url.lastIndex(of: "/"))
        let password = url[..<at].dropFirst("grapevine:".count)
        let host = url[url.index(after: at)..<slash]
        let port = try #require(UInt16(host.split(separator: ":")[1]))
        let columns = Self.columns.joined(separator: ",%20")
        let head = """
            POST /?database=\(url[url.index(after: slash)...])&\
            query=INSERT%20INTO%20numbers%20(\(columns))%20FORMAT%20RowBinary HTTP/1.1\r
            Host: \(host)\r
            X-ClickHouse-User: grapevine\r
            X-ClickHouse-Key: \(password)\r
            \(isPacked ? "Content-Encoding: gzip\r\n" : "")\
            Connection: close\r
            Content-Length: \(body.count)\r
            \r

            """
        return try await RawExchange.send(
            Array(head.utf8) + body.prefix(length), to: port, halfCloses: true)
    }
}
