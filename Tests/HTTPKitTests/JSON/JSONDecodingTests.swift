import HTTPKit
import Kernel
import Testing

@Suite struct JSONDecodingTests {
    struct Order: Codable, Equatable, Sendable {
        struct Line: Codable, Equatable, Sendable {
            var sku: String
            var count: Int
            var price: Amount?
        }
        enum State: String, Codable, Sendable { case open, closed }

        var id: CampaignID
        var state: State
        var lines: [Line]
        var note: String?
        var at: Timestamp?
        var extra: JSONValue?
        var tags: [String: Int]?
    }

    private static let id = "cmp_01h455vb4pex5vsknk084sn02q"

    private static func decode(
        _ text: String, _ strictness: JSONStrictness = .strict
    ) throws(Problem) -> Order {
        try JSONCoding.decode(Order.self, from: Array(text.utf8), strictness: strictness)
    }

    private static func minimal(_ more: String = "") -> String {
        #"{"id":"\#(id)","state":"open","lines":[]\#(more)}"#
    }

    @Test func `a document becomes the type whatever the order of its members`() throws {
        let text = """
            {"tags":{"b":2,"a":1}, "extra":{"n":[1.50,{"x":null}]}, "at":"2026-01-31T09:30:00.123Z",
             "lines":[{"count":2,"sku":"\\u0061b","price":{"asset":"USD","units":"2000"}},
                      {"sku":"c","count":-9223372036854775808}],
             "state":"closed","note":null,"id":"\(Self.id)"}
            """
        let order = try Self.decode(text)
        #expect(order.lines.map(\.sku) == ["ab", "c"])
        #expect(order.lines[1].count == .min)
        #expect(order.state == .closed)
        #expect(order.note == nil)
        #expect(order.tags == ["a": 1, "b": 2])
        #expect(order.extra?.at("n")?.array?[0].number?.text == "1.50")
        #expect(order.at?.description == "2026-01-31T09:30:00.123Z")
        let written = try JSONCoding.encode(order)
        #expect(try JSONCoding.decode(Order.self, from: written, strictness: .strict) == order)
    }

    struct Wrong: Sendable, CustomTestStringConvertible {
        let text: String
        let pointer: String
        let code: String
        var testDescription: String { text }
    }

    static let wrong: [Wrong] = [
        Wrong(text: "[]", pointer: "", code: "wrong_type"),
        Wrong(text: "null", pointer: "", code: "required"),
        Wrong(text: #"{"state":"open","lines":[]}"#, pointer: "/id", code: "required"),
        Wrong(
            text: #"{"id":"rwd_1","state":"open","lines":[]}"#, pointer: "/id",
            code: "invalid_value"),
        Wrong(
            text: #"{"id":"\#(id)","state":"odd","lines":[]}"#, pointer: "/state",
            code: "invalid_value"),
        Wrong(
            text: #"{"id":"\#(id)","state":null,"lines":[]}"#, pointer: "/state", code: "required"),
        Wrong(
            text: #"{"id":"\#(id)","state":"open","lines":{}}"#, pointer: "/lines",
            code: "wrong_type"),
        Wrong(
            text: #"{"id":"\#(id)","state":"open","lines":[{"sku":"a","count":1},{"sku":"b"}]}"#,
            pointer: "/lines/1/count", code: "required"),
        Wrong(
            text: #"{"id":"\#(id)","state":"open","lines":[{"sku":"a","count":1.5}]}"#,
            pointer: "/lines/0/count", code: "wrong_type"),
        Wrong(
            text: #"{"id":"\#(id)","state":"open","lines":[{"sku":"a","count":1e2}]}"#,
            pointer: "/lines/0/count", code: "wrong_type"),
        Wrong(
            text:
                #"{"id":"\#(id)","state":"open","lines":[{"sku":"","count":9223372036854775808}]}"#,
            pointer: "/lines/0/count", code: "invalid_value"),
        Wrong(
            text: #"{"id":"\#(id)","state":"open","lines":[{"sku":"a","count":"1"}]}"#,
            pointer: "/lines/0/count", code: "wrong_type"),
        Wrong(
            text: #"{"id":"\#(id)","state":"open","lines":[{"sku":"a","count":true}]}"#,
            pointer: "/lines/0/count", code: "wrong_type"),
        Wrong(text: minimal(#","at":"yesterday""#), pointer: "/at", code: "invalid_value"),
        Wrong(
            text: minimal(#","tags":{"a/b~c":"x"}"#), pointer: "/tags/a~1b~0c", code: "wrong_type"),
        Wrong(text: minimal(#","colour":1"#), pointer: "/colour", code: "unknown_field"),
        Wrong(
            text: #"{"id":"\#(id)","state":"open","lines":[{"sku":"a","count":1,"x":{}}]}"#,
            pointer: "/lines/0/x", code: "unknown_field"),
        Wrong(text: minimal(#","note":"a","note":"b""#), pointer: "/note", code: "duplicate_key"),
        Wrong(
            text: minimal(#","note":"","no\u0074e":"""#), pointer: "/note", code: "duplicate_key"),
        Wrong(
            text: minimal(#","extra":{"deep":[{"k":1,"k":2}]}"#), pointer: "/extra/deep/0/k",
            code: "duplicate_key"),
    ]

    @Test(arguments: wrong)
    func `what is wrong is named by a JSON pointer`(wrong: Wrong) {
        let problem = #expect(throws: Problem.self) { try Self.decode(wrong.text) }
        #expect(problem?.status == 400)
        #expect(problem?.code == "validation_failed")
        #expect(problem?.errors.first?.pointer == wrong.pointer)
        #expect(problem?.errors.first?.code == wrong.code)
    }

    @Test func `every unknown field is named at once`() {
        let text = Self.minimal(#","a":1,"b":2"#)
        let problem = #expect(throws: Problem.self) { try Self.decode(text) }
        #expect(problem?.errors.map(\.pointer) == ["/a", "/b"])
    }

    @Test func `a lenient reader ignores unknown fields and takes the last of duplicates`() throws {
        let text = Self.minimal(#","note":"a","x":{"y":[1]},"note":"b","extra":{"k":1,"k":2}"#)
        let order = try Self.decode(text, .lenient)
        #expect(order.note == "b")
        #expect(order.extra == ["k": 2])
    }

    @Test func `many duplicate keys are found among many keys`() {
        let members = (0..<2000).map { "\"k\($0 % 1999)\":\($0)" }.joined(separator: ",")
        let bytes = Array("{\(members)}".utf8)
        let problem = #expect(throws: Problem.self) {
            try JSONCoding.parse(bytes, strictness: .strict)
        }
        #expect(problem?.errors.map(\.pointer) == ["/k0"])
        #expect((try? JSONCoding.parse(bytes))?["k0"] == 1999)
    }

    @Test func `a large dictionary is read`() throws {
        let members = (0..<20_000).map { "\"k\($0)\":{\"v\":\($0)}" }.joined(separator: ",")
        let value = try JSONCoding.decode(
            [String: [String: Int]].self, from: Array("{\(members)}".utf8), strictness: .strict)
        #expect(value.count == 20_000)
        #expect(value["k19999"] == ["v": 19_999])
    }

    @Test func `a problem thrown by a type passes as it is`() {
        struct Picky: Decodable {
            init(from decoder: any Decoder) throws {
                throw Problem.unprocessable("too_picky", "No.")
            }
        }
        let problem = #expect(throws: Problem.self) {
            try JSONCoding.decode([Picky].self, from: Array("[1]".utf8), strictness: .strict)
        }
        #expect(problem?.code == "too_picky")
    }

    @Test func `a type may read its members through two containers`() throws {
        struct Inner: Decodable { var a: Int }
        struct Outer: Decodable {
            var inner: Inner
            var b: Int
            enum CodingKeys: String, CodingKey { case b }
            init(from decoder: any Decoder) throws {
                inner = try Inner(from: decoder)
                b = try decoder.container(keyedBy: CodingKeys.self).decode(Int.self, forKey: .b)
            }
        }
        let outer = try JSONCoding.decode(
            Outer.self, from: Array(#"{"a":1,"b":2}"#.utf8), strictness: .strict)
        #expect(outer.inner.a == 1 && outer.b == 2)
    }
}
