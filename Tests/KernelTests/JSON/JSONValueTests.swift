import Foundation
import Kernel
import Testing

@Suite struct JSONValueTests {
    private let document: JSONValue = [
        "traits": ["plan": "pro", "seats": 5, "trial": false, "left": nil],
        "tags": ["a", "b"],
    ]

    @Test func `members are found by name and by path`() {
        #expect(document["traits"]?["plan"]?.string == "pro")
        #expect(document.at("traits.plan")?.string == "pro")
        #expect(document.at("traits.seats")?.integer == 5)
        #expect(document.at("traits.trial")?.bool == false)
        #expect(document.at("tags")?.array?.count == 2)
    }

    @Test func `absent is nil and null is null`() {
        #expect(document.at("traits.left") == .null)
        #expect(document.at("traits.missing") == nil)
        #expect(document.at("traits.plan.deeper") == nil)
        #expect(document["tags"]?["0"] == nil)
    }

    @Test func `a value survives JSON`() throws {
        let value: JSONValue = [
            "list": [1, -2, true, nil, "x", [], [:]], "big": .number(JSONNumber(Int.max)),
            "half": .number(JSONNumber(text: "0.5")), "text": "🍇\"\\\n",
        ]
        let bytes = try JSONEncoder().encode(value)
        #expect(try JSONDecoder().decode(JSONValue.self, from: bytes) == value)
    }

    @Test func `numbers keep their text and are whole only when written so`() {
        let number = JSONNumber(text: "123456789012345678901234567890")
        #expect(number.integer == nil)
        #expect(number.text == "123456789012345678901234567890")
        #expect(JSONNumber(text: "1.0").integer == nil)
        #expect(JSONNumber(text: "1.5").double == 1.5)
        #expect(JSONNumber(text: "1e999").double == nil)
        #expect(JSONNumber(text: "-7").integer == -7)
    }

    @Test(arguments: [
        ("0", true), ("-1.5", true), ("1e3", true), ("1E-400", true), ("1e+308", true),
        ("123456789012345678901234567890", true), ("1e309", false), ("1e999999", false),
        ("1e-401", false), ("1e-999999", false), ("1e-99999999999999999999", false),
        (String(repeating: "1", count: 100), true), (String(repeating: "1", count: 101), false),
    ])
    func `a number is storable within what every reader can hold`(text: String, isStorable: Bool) {
        #expect(JSONNumber(text: text).isStorable == isStorable)
    }

    @Test func `a number that no coder can hold is an error, never another number`() {
        #expect(throws: EncodingError.self) {
            try JSONEncoder().encode([JSONValue.number(JSONNumber(text: "1e999"))])
        }
    }

    @Test func `quoted text is a JSON string`() throws {
        for text in ["", "a\"b", "\u{0}\u{1F}\u{7F}\u{2028}", "日本", "\\u0041"] {
            let quoted = JSONText.quoted(text)
            #expect(
                try JSONDecoder().decode([String].self, from: Data("[\(quoted)]".utf8)) == [text])
        }
    }
}
