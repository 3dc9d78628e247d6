/// A JSON document as a value: what rules, traits and event properties are made of.
package enum JSONValue: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// The member of an object; nil for another kind or an absent member.
    package subscript(_ name: String) -> JSONValue? {
        if case .object(let members) = self { return members[name] }
        return nil
    }

    /// The value at a dotted path (`traits.plan`); nil where a step is missing.
    package func at(_ path: String) -> JSONValue? {
        var value: JSONValue? = self
        for name in path.split(separator: ".") {
            value = value?[String(name)]
        }
        return value
    }

    package var string: String? { if case .string(let value) = self { value } else { nil } }
    package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
    package var number: JSONNumber? { if case .number(let value) = self { value } else { nil } }
    package var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    package var object: [String: JSONValue]? {
        if case .object(let value) = self { value } else { nil }
    }
    package var integer: Int? { number?.integer }
}

/// A JSON number by its written form, so that nothing is rounded on the way through.
package struct JSONNumber: Sendable, Hashable {
    /// As RFC 8259 §6 writes it.
    package let text: String

    /// The text must be a valid JSON number; parsers guarantee that.
    package init(text: String) {
        self.text = text
    }

    package init(_ value: Int) {
        text = String(value)
    }

    /// The whole number, when it is written as one and fits 64 bits.
    package var integer: Int? { Int(text) }
    /// The nearest binary number; nil beyond its range.
    package var double: Double? { Double(text).flatMap { $0.isFinite ? $0 : nil } }

    /// Within what every reader of JSON can hold and PostgreSQL keeps: it refuses 1e999999 and
    /// 1e-999999. At most 100 characters.
    package var isStorable: Bool {
        guard text.utf8.count <= 100, double != nil else { return false }
        guard let mark = text.firstIndex(where: { $0 == "e" || $0 == "E" }) else { return true }
        let exponent = text[text.index(after: mark)...]
        return Int(exponent).map { (-400...400).contains($0) } ?? false
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral,
    ExpressibleByNilLiteral
{
    package typealias Key = String
    package typealias Value = JSONValue

    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int) { self = .number(JSONNumber(value)) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(nilLiteral: ()) { self = .null }
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(elements) { _, last in last })
    }
}

extension JSONValue: Codable {
    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(_ text: String) { stringValue = text }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Numbers beyond 64 bits lose digits through `Codable`; `HTTPKit`'s own parser keeps them.
    package init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: Name.self) {
            var members: [String: JSONValue] = [:]
            for key in container.allKeys {
                members[key.stringValue] = try container.decode(JSONValue.self, forKey: key)
            }
            self = .object(members)
        } else if var container = try? decoder.unkeyedContainer() {
            var elements: [JSONValue] = []
            while !container.isAtEnd { elements.append(try container.decode(JSONValue.self)) }
            self = .array(elements)
        } else {
            self = try Self.scalar(decoder.singleValueContainer())
        }
    }

    private static func scalar(_ container: any SingleValueDecodingContainer) throws -> JSONValue {
        if container.decodeNil() { return .null }
        if let value = try? container.decode(Bool.self) { return .bool(value) }
        if let value = try? container.decode(Int.self) { return .number(JSONNumber(value)) }
        if let value = try? container.decode(Double.self) {
            return .number(JSONNumber(text: String(value)))
        }
        return .string(try container.decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        switch self {
        case .object(let members):
            var container = encoder.container(keyedBy: Name.self)
            // In one order, so that the same value is always the same bytes.
            for (name, value) in members.sorted(by: { $0.key < $1.key }) {
                try container.encode(value, forKey: Name(name))
            }
        case .array(let elements):
            var container = encoder.unkeyedContainer()
            for element in elements { try container.encode(element) }
        default:
            var container = encoder.singleValueContainer()
            try encodeScalar(to: &container)
        }
    }

    private func encodeScalar(to container: inout any SingleValueEncodingContainer) throws {
        switch self {
        case .bool(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .number(let number):
            if let integer = number.integer {
                try container.encode(integer)
            } else if let double = number.double {
                try container.encode(double)
            } else {
                throw EncodingError.invalidValue(
                    number.text,
                    .init(codingPath: [], debugDescription: "The number is out of range."))
            }
        case .null, .array, .object: try container.encodeNil()
        }
    }
}
