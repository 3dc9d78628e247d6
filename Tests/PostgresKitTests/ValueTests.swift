import FoundationEssentials
import Kernel
import PostgresKit
import Testing

private enum Color: String { case red, green }
private enum Size: String, PostgresArrayElement, PostgresDecodable { case small, large }

@Suite(.timeLimit(.minutes(1)))
struct ValueTests {
    let client: PostgresClient

    init() async throws { client = try await makeClient() }

    private func roundTrip<Value: PostgresEncodable & PostgresDecodable & Equatable>(
        _ value: Value, as type: String
    ) async throws {
        let row = try #require(
            try await client.queryOne("select \(value)::\(unsafeRaw: type) as value"))
        #expect(try row.get("value") == value)
    }

    @Test func `every type comes back as it went`() async throws {
        try await roundTrip(true, as: "bool")
        try await roundTrip(Int16.min, as: "int2")
        try await roundTrip(Int32.max, as: "int4")
        try await roundTrip(Int64.min, as: "int8")
        try await roundTrip(-42, as: "int8")
        try await roundTrip(2.5, as: "float8")
        try await roundTrip("grüße 🍇 'quoted' \\ \"x\"", as: "text")
        try await roundTrip("", as: "text")
        try await roundTrip([UInt8](0...255), as: "bytea")
        try await roundTrip([UInt8](), as: "bytea")
        try await roundTrip(UUID(), as: "uuid")
        try await roundTrip(TypeID<CampaignTag>(UUID()), as: "uuid")
        try await roundTrip(Timestamp(microseconds: 1_790_000_000_123_456), as: "timestamptz")
        try await roundTrip(Timestamp(microseconds: -1), as: "timestamptz")
        try await roundTrip(Duration.milliseconds(1500), as: "int8")
        try await roundTrip(Size.large, as: "text")
        try await roundTrip(Asset("USD"), as: "text")
        try await roundTrip(String?.none, as: "text")
        try await roundTrip(Int?.some(7), as: "int8")
    }

    @Test func `arrays come back as they went, with NULLs and quotes`() async throws {
        try await roundTrip([1, 2, 3], as: "int8[]")
        try await roundTrip([Int](), as: "int8[]")
        try await roundTrip([UUID(), UUID()], as: "uuid[]")
        try await roundTrip([UUID?.none, UUID()], as: "uuid[]")
        try await roundTrip(["a", "b,c", "{d}", "\"", "\\", "NULL", ""], as: "text[]")
        try await roundTrip([String?.none, "x"], as: "text[]")
        try await roundTrip([true, false], as: "bool[]")
        try await roundTrip([Timestamp(microseconds: 5)], as: "timestamptz[]")
        try await roundTrip([Int128(5), -10_000, 0], as: "numeric[]")
        try await roundTrip([[UInt8](), [1, 2], [0]], as: "bytea[]")
        try await roundTrip([Size.small, .large], as: "text[]")
        try await roundTrip([JSONB(Array("{\"a\": 1}".utf8))], as: "jsonb[]")
        try await roundTrip([2.5, -0.25], as: "float8[]")
    }

    @Test func `numbers of 38 digits keep every digit`() async throws {
        let limit = Amount.maximumUnits
        let samples: [Int128] = [
            0, 1, -1, 9999, 10_000, 10_001, -10_000, 100_000_000, 99_999_999, limit, -limit,
            limit - 1, 10_000_000_000_000_000_000_000_000_000_000_000_000,
            12_345_000_000_000_000_000_000_000_000_006_789,
        ]
        for sample in samples {
            try await roundTrip(sample, as: "numeric(38,0)")
            let row = try await client.queryOne("select \(sample)::numeric::text as digits")
            #expect(try row?.get("digits") == String(sample))
        }
    }

    @Test func `a number beyond 38 digits is refused before it is sent`() async throws {
        let beyond = Amount.maximumUnits + 1
        await #expect(code { try await client.query("select \(beyond)") } == .encoding)
        await #expect(code { try await client.query("select \([Int128.max])") } == .encoding)
    }

    @Test func `what is not a whole number that fits is not read as one`() async throws {
        for text in ["1.5", "'NaN'::numeric", "'Infinity'::numeric", "1e39", "'x'", "null"] {
            let row = try #require(
                try await client.queryOne("select \(unsafeRaw: text) as value"))
            #expect(throws: PostgresError.self) { _ = try row.get("value", as: Int128.self) }
        }
        let row = try #require(try await client.queryOne("select 70000 as value, 3.00 as three"))
        #expect(throws: PostgresError.self) { _ = try row.get("value", as: Int16.self) }
        #expect(try row.get("value", as: Int128.self) == 70000)
        #expect(try row.get("three", as: Int.self) == 3)
    }

    @Test func `sums and counts are read as whole numbers`() async throws {
        let row = try #require(
            try await client.queryOne(
                "select sum(n) as sum, count(*) as count from generate_series(1, 100) as n"))
        #expect(try row.get("sum", as: Int.self) == 5050)
        #expect(try row.get("count", as: Int.self) == 100)
    }

    @Test func `enumerations with text values need no conformance`() async throws {
        let color = Color.green
        let none: Color? = nil
        let row = try #require(
            try await client.queryOne(
                "select \(color) as a, \(none)::text as b, \([color, .red])::text[] as c"))
        #expect(try row.get("a", as: Color.self) == .green)
        #expect(try row.get("b", as: Color?.self) == nil)
        #expect(try row.get("c", as: [String].self) == ["green", "red"])
        let optional: Color? = try row.get("a")
        #expect(optional == .green)
        let unknown = try #require(try await client.queryOne("select 'blue' as a"))
        #expect(throws: PostgresError.self) { _ = try unknown.get("a", as: Color.self) }
    }

    @Test func `JSON documents are encoded, queried and decoded`() async throws {
        struct Document: Codable, Equatable {
            let name: String
            let tags: [String]
        }
        let document = Document(name: "spring", tags: ["a", "b"])
        let json = try JSONB(encoding: document)
        let row = try #require(
            try await client.queryOne("select \(json) as body, \(json) ->> 'name' as name"))
        #expect(try row.get("name") == "spring")
        #expect(try row.get("body", as: JSONB.self).decode(Document.self) == document)
        let broken = JSONB(Array("{".utf8))
        await #expect(code { try await client.query("select \(broken)") } == .invalidValue)
    }

    @Test func `text with NUL gives a clear error and hurts nobody`() async throws {
        await #expect(code { try await client.query("select \("a\0b")") } == .encoding)
        await #expect(code { try await client.query("select \(["a\0b"])::text[]") } == .encoding)
        await #expect(code { try await client.query("select 1\(unsafeRaw: "\0")") } == .encoding)
        #expect(try await client.queryOne("select 1 as one")?.get("one") == 1)
    }

    @Test func `reading the wrong type names the column and not the value`() async throws {
        let row = try #require(try await client.queryOne("select 'secret' as name"))
        let error = #expect(throws: PostgresError.self) { _ = try row.get("name", as: Int.self) }
        #expect(error?.code == .decoding)
        #expect("\(try #require(error))".contains("name"))
        #expect(!"\(try #require(error))".contains("secret"))
        #expect(throws: PostgresError.self) { _ = try row.get("other", as: Int.self) }
    }
}

private enum CampaignTag: IDTag { static let prefix = "cmp" }
