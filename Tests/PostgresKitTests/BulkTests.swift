import FoundationEssentials
import PostgresKit
import Testing

private struct Broken: Error {}

@Suite(.timeLimit(.minutes(1)))
struct BulkTests {
    let client: PostgresClient

    init() async throws { client = try await makeClient { $0.poolWaitLimit = .seconds(50) } }

    @Test func `two hundred thousand rows come over a leased connection`() async throws {
        let sum = try await client.withConnection { connection in
            let rows = try await connection.query(
                "select n, 'row ' || n as text from generate_series(1, 200000) as n")
            #expect(rows.count == 200_000)
            #expect(try rows[199_999].get("text") == "row 200000")
            return try rows.reduce(0) { try $0 + $1.get(at: 0, as: Int.self) }
        }
        #expect(sum == 20_000_100_000)
    }

    @Test func `COPY streams text rows, with everything that needs escaping`() async throws {
        let table = try await TemporaryTable(client, columns: "id int8, note text")
        let notes: [String?] = ["plain", "tab\tnew\nline\rback\\slash", nil, "", "\\N", "🍇"]
        let rows = AsyncStream<[UInt8]> { continuation in
            for (id, note) in notes.enumerated() {
                continuation.yield(CopyRow.text([String(id), note]))
            }
            continuation.finish()
        }
        #expect(try await client.copyIn("copy \(table.name) from stdin", rows: rows) == 6)
        let found = try await client.query("select note from \(table.name) order by id")
        #expect(try found.map { try $0.get("note", as: String?.self) } == notes)
    }

    @Test func `COPY takes many binary rows inside a transaction`() async throws {
        let table = try await TemporaryTable(
            client, columns: "id uuid, size int8, amount numeric, note text, body bytea")
        let payload = [UInt8](repeating: 7, count: 500)
        let count = try await client.withTransaction { transaction in
            var rows = [CopyRow.binaryHeader]
            for number in 0..<20_000 {
                let amount: Int128? = number % 2 == 0 ? Int128(number) : nil
                rows.append(
                    try CopyRow.binary([UUID(), number, amount, "n\(number)", payload]))
            }
            rows.append(CopyRow.binaryTrailer)
            let copied = try await transaction.copyIn(
                "copy \(table.name) from stdin (format binary)", rows: rows)
            _ = try await transaction.query("select 1")
            return copied
        }
        #expect(count == 20_000)
        let row = try await client.queryOne("select sum(size) as size from \(table.name)")
        #expect(try row?.get("size") == 199_990_000)
    }

    @Test func `a COPY that breaks off leaves nothing and the connection usable`() async throws {
        let table = try await TemporaryTable(client)
        let rows = AsyncThrowingStream<[UInt8], any Error> { continuation in
            for number in 0..<100_000 { continuation.yield(CopyRow.text([String(number)])) }
            continuation.finish(throwing: Broken())
        }
        await #expect(throws: Broken.self) {
            try await client.copyIn("copy \(table.name) from stdin", rows: rows)
        }
        #expect(try await client.query("select * from \(table.name)").isEmpty)
        let again = try await client.copyIn(
            "copy \(table.name) from stdin", rows: [CopyRow.text(["1"])])
        #expect(again == 1)
    }

    @Test func `a row that COPY cannot take is an error of the whole`() async throws {
        let table = try await TemporaryTable(client)
        let rows = (0..<50_000).map { CopyRow.text([$0 == 10 ? "not a number" : String($0)]) }
        await #expect(
            code { try await client.copyIn("copy \(table.name) from stdin", rows: rows) }
                == .invalidValue)
        await #expect(
            code { try await client.copyIn("copy nowhere from stdin", rows: rows) }
                == .invalidStatement)
        #expect(try await client.query("select * from \(table.name)").isEmpty)
    }

    @Test func `a statement with large values goes both ways`() async throws {
        let megabytes = [UInt8](repeating: 0xAB, count: 8_000_000)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<6 {
                group.addTask { [client] in
                    let row = try await client.queryOne("select \(megabytes) as body")
                    #expect(try row?.get("body", as: [UInt8].self).count == 8_000_000)
                }
            }
            try await group.waitForAll()
        }
    }

    @Test func `five hundred mixed calls in parallel all get their own answer`() async throws {
        let table = try await TemporaryTable(client, columns: "id int8 primary key, note text")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<500 {
                group.addTask { [client] in try await mixedCall(number, table, client) }
            }
            try await group.waitForAll()
        }
        let row = try await client.queryOne("select count(*) as n from \(table.name)")
        #expect(try row?.get("n") == 250)
    }

    private func mixedCall(
        _ number: Int, _ table: TemporaryTable, _ client: PostgresClient
    ) async throws {
        switch number % 4 {
        case 0:
            try await client.execute("insert into \(table.name) values (\(number), 'x')")
        case 1:
            try await client.withTransaction { transaction in
                try await transaction.execute("insert into \(table.name) values (\(number), 'y')")
                let row = try await transaction.queryOne(
                    "select id from \(table.name) where id = \(number)")
                #expect(try row?.get("id") == number)
            }
        case 2:
            await #expect(code { try await client.query("select 1/\(0)") } == .invalidValue)
        default:
            let text = "text \(number)"
            let row = try await client.queryOne("select \(text) as a, \(number) as b")
            #expect(try row?.get("a") == text)
            #expect(try row?.get("b") == number)
        }
    }
}
