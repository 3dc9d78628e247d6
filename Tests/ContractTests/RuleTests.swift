import Contracts
import FoundationEssentials
import Kernel
import Testing

@Suite struct RuleTests {
    private let facts: JSONValue = [
        "traits": ["plan": "pro", "seats": 12, "tags": ["beta", "eu"]],
        "event": ["properties": ["amount": 49]],
        "participant": ["signed_up_at": "2026-01-31T09:30:00.000Z"],
    ]

    private func rule(_ text: String) throws -> Rule {
        try JSONDecoder().decode(Rule.self, from: Data(text.utf8))
    }

    @Test(arguments: [
        (#"{"field":"traits.plan","op":"equals","value":"pro"}"#, true),
        (#"{"field":"traits.plan","op":"not_equals","value":"pro"}"#, false),
        (#"{"field":"traits.plan","op":"in","value":["free","pro"]}"#, true),
        (#"{"field":"traits.plan","op":"not_in","value":["free","pro"]}"#, false),
        (#"{"field":"traits.seats","op":"gte","value":12.0}"#, true),
        (#"{"field":"traits.seats","op":"gt","value":12}"#, false),
        (#"{"field":"traits.seats","op":"lt","value":12.5}"#, true),
        (#"{"field":"traits.tags","op":"contains","value":"eu"}"#, true),
        (#"{"field":"traits.absent","op":"exists","value":false}"#, true),
        (#"{"field":"traits.plan","op":"exists"}"#, true),
        (
            #"{"field":"participant.signed_up_at","op":"lt","value":"2026-01-31T10:30:00+00:30"}"#,
            true
        ),
        (#"{"field":"traits.plan","op":"gt","value":3}"#, false),
        (#"{"all":[]}"#, true),
        (#"{"any":[]}"#, false),
        (#"{"not":{"field":"traits.plan","op":"equals","value":"free"}}"#, true),
    ])
    func `a rule judges the facts`(_ text: String, _ expected: Bool) throws {
        #expect(try rule(text).evaluate(facts).passed == expected)
    }

    @Test(arguments: ["equals", "in", "contains", "lt", "lte", "gt", "gte", "exists"])
    func `an absent field fails every positive comparison`(_ comparison: String) throws {
        let text = #"{"field":"traits.absent","op":"\#(comparison)","value":["x"]}"#
        let value = comparison == "exists" ? text.replacing(#"["x"]"#, with: "true") : text
        #expect(try !rule(value).evaluate(facts).passed)
    }

    @Test func `every condition reports what it saw, also when the verdict was clear before`()
        throws
    {
        let outcome = try rule(
            #"""
            {"any":[{"field":"traits.plan","op":"equals","value":"pro"},
                    {"field":"traits.seats","op":"lt","value":5}]}
            """#
        ).evaluate(facts)
        #expect(outcome.passed)
        #expect(outcome.conditions.map(\.passed) == [true, false])
        #expect(outcome.conditions.map(\.actual) == ["pro", 12])
    }

    @Test func `a rule survives being written and read`() throws {
        let text = #"{"all":[{"field":"a.b","op":"in","value":[1,2]},{"not":{"any":[]}}]}"#
        let read = try rule(text)
        let again = try JSONDecoder().decode(Rule.self, from: try JSONEncoder().encode(read))
        #expect(again == read)
        #expect(read.conditionCount == 1)
        #expect(read.depth == 3)
    }

    @Test func `an unknown operator is refused`() {
        #expect(throws: DecodingError.self) {
            try rule(#"{"field":"a","op":"matches","value":"x"}"#)
        }
    }
}
