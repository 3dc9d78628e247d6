import Kernel
import Testing

@testable import ClientService

@Suite struct TraitSetTests {
    @Test func `newer values replace older ones and null forgets`() {
        var traits = TraitSet(["plan": "free", "city": "Bern"])
        #expect(traits.merge(["plan": "pro", "city": nil, "age": 7]) == 0)
        #expect(traits.values == ["plan": "pro", "age": 7])
    }

    @Test func `at most sixty-four names fit, and those that are there may still change`() {
        var traits = TraitSet()
        let many = Dictionary(
            uniqueKeysWithValues: (100..<180).map { ("t\($0)", JSONValue.number(JSONNumber($0))) })
        #expect(traits.merge(many) == 16)
        #expect(traits.values.count == TraitSet.maximumCount)
        #expect(traits.values["t163"] != nil, "the same ones whatever the order of a dictionary")
        #expect(traits.merge(["t100": "changed", "another": 1]) == 1)
        #expect(traits.values["t100"] == "changed")
        #expect(traits.merge(["t101": nil, "u": 1]) == 0, "what is forgotten makes room")
    }

    @Test func `at most sixteen kilobytes fit`() {
        var traits = TraitSet()
        let large = JSONValue.string(String(repeating: "a", count: 9000))
        #expect(traits.merge(["a": large, "b": large, "c": "small"]) == 1)
        #expect(traits.values.keys.sorted() == ["a", "c"])
        #expect(traits.merge(["a": "small", "b": large]) == 0)
    }

    @Test(arguments: [
        JSONValue.string("a\u{0}b"), .object(["a\u{0}": 1]), .array([.string("\u{0}")]),
        .number(JSONNumber(text: "1e999999")), .number(JSONNumber(text: "1e-999999")),
        .number(JSONNumber(text: String(repeating: "9", count: 101))),
        (0..<9).reduce(JSONValue.null) { nested, _ in .array([nested]) },
    ])
    func `a value that the database cannot hold is left out alone`(_ value: JSONValue) {
        var traits = TraitSet()
        #expect(traits.merge(["bad": value, "good": true]) == 1)
        #expect(traits.values == ["good": true])
    }
}
