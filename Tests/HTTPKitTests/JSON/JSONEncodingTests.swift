import Foundation
import HTTPKit
import Kernel
import Testing

@Suite struct JSONEncodingTests {
    private static func text(_ value: some Encodable) throws -> String {
        String(decoding: try JSONCoding.encode(value), as: UTF8.self)
    }

    struct Everything: Codable, Equatable {
        struct Empty: Codable, Equatable {}
        enum Choice: Codable, Equatable {
            case nothing
            case one(Int)
            case named(text: String, flag: Bool)
        }

        var text = "a\"b\\c\n\r\t\u{1}/ü😀"
        var empty = Empty()
        var none: Int?
        var some: Int? = -5
        var list: [Int] = []
        var nested: [[String?]] = [["x", nil], []]
        var map: [String: [Bool]] = ["k": [true, false]]
        var double = 1.5
        var large = 1e300
        var wide = Int128.max
        var unsigned = UInt64.max
        var choices: [Choice] = [.nothing, .one(1), .named(text: "t", flag: true)]
        var value: JSONValue = ["z": [1, nil, true], "a": .number(JSONNumber(text: "1e400"))]
    }

    @Test func `everything is read back as it was written`() throws {
        let value = Everything()
        let bytes = try JSONCoding.encode(value)
        #expect(
            try JSONCoding.decode(Everything.self, from: bytes, strictness: .strict) == value)
    }

    @Test func `the text is what another parser expects`() throws {
        var value = Everything()
        value.value = nil
        let bytes = try JSONCoding.encode(value)
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
        #expect(object["text"] as? String == value.text)
        #expect((object["empty"] as? [String: Any])?.isEmpty == true)
        #expect(object["none"] == nil)
        #expect((object["nested"] as? [[Any]])?.count == 2)
    }

    @Test func `text is escaped only where it must be`() throws {
        #expect(try Self.text("a/b\u{2028}ü") == "\"a/b\u{2028}ü\"")
        #expect(try Self.text("\u{0}\u{1F}\"\\") == #""\u0000\u001f\"\\""#)
    }

    @Test func `scalars stand alone`() throws {
        #expect(try Self.text(1) == "1")
        #expect(try Self.text(true) == "true")
        #expect(try Self.text(Int?.none) == "null")
        #expect(try Self.text([Int]()) == "[]")
        #expect(try Self.text(1.0) == "1.0")
    }

    @Test func `the same document is always the same bytes`() throws {
        let value: JSONValue = ["c": 1, "a": 2, "b": ["y": 1, "x": 2]]
        #expect(try Self.text(value) == #"{"a":2,"b":{"x":2,"y":1},"c":1}"#)
    }

    @Test func `a number that is not finite cannot be written`() {
        #expect(throws: EncodingError.self) { try JSONCoding.encode([Double.nan]) }
        #expect(throws: EncodingError.self) { try JSONCoding.encode(Double.infinity) }
    }

    @Test func `nested containers and superclasses are closed in the right place`() throws {
        struct Handmade: Encodable {
            enum Key: String, CodingKey { case a, b, c, d, e }
            func encode(to encoder: any Encoder) throws {
                var outer = encoder.container(keyedBy: Key.self)
                var inner = outer.nestedContainer(keyedBy: Key.self, forKey: .a)
                try inner.encode(1, forKey: .b)
                var list = outer.nestedUnkeyedContainer(forKey: .c)
                try list.encode("x")
                var deep = list.nestedContainer(keyedBy: Key.self)
                try deep.encodeNil(forKey: .a)
                try list.encode(2)
                _ = outer.nestedContainer(keyedBy: Key.self, forKey: .d)
                var again = encoder.container(keyedBy: Key.self)
                try again.encode(3, forKey: .e)
            }
        }
        #expect(
            try Self.text([Handmade()])
                == #"[{"a":{"b":1},"c":["x",{"a":null},2],"d":{},"e":3}]"#)
    }

    @Test func `containers that are filled interleaved are an error, not a broken document`() {
        struct Interleaved: Encodable {
            enum Key: String, CodingKey { case a, b }
            func encode(to encoder: any Encoder) throws {
                var outer = encoder.container(keyedBy: Key.self)
                var inner = outer.nestedContainer(keyedBy: Key.self, forKey: .a)
                try outer.encode(1, forKey: .b)
                try inner.encode(2, forKey: .a)
            }
        }
        #expect(throws: EncodingError.self) { try JSONCoding.encode(Interleaved()) }
    }

    @Test func `a dictionary of values is the same text in every process`() throws {
        struct Person: Encodable {
            let traits: [String: JSONValue]
        }
        let names = (0..<26).map { "trait_\($0 + 10)" }
        let traits = Dictionary(uniqueKeysWithValues: names.map { ($0, JSONValue.bool(true)) })
        let members = names.map { #""\#($0)":true"# }.joined(separator: ",")
        #expect(try Self.text(Person(traits: traits)) == "{\"traits\":{\(members)}}")
    }

    @Test func `so is a dictionary of anything else, at any depth`() throws {
        struct Rule: Encodable {
            let from: String
            let steps: [String: Int]
        }
        let names = (0..<26).map { "m\($0 + 10)" }
        let rules = [
            Dictionary(
                uniqueKeysWithValues: names.map { ($0, Rule(from: "a", steps: ["y": 2, "x": 1])) })
        ]
        let members = names.map { #""\#($0)":{"from":"a","steps":{"x":1,"y":2}}"# }
        #expect(try Self.text(rules) == "[{\(members.joined(separator: ","))}]")
        #expect(try Self.text(["empty": [String: Int]()]) == #"{"empty":{}}"#)
    }
}
