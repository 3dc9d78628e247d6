package import Kernel

/// Holds values against the schemas of a description: the part of JSON Schema 2020-12 that the
/// services' descriptions use.
package struct SchemaCheck {
    private static let checked: Set<String> = [
        "$ref", "type", "const", "enum", "pattern", "format", "minLength", "maxLength", "minimum",
        "maximum", "minItems", "maxItems", "items", "properties", "required",
        "additionalProperties", "anyOf", "oneOf",
    ]
    /// Words that say something to readers only.
    private static let remarks: Set<String> = ["description", "examples", "default"]
    private static let formats: Set<String> = ["date-time"]

    private let document: OpenAPIDocument

    package init(_ document: OpenAPIDocument) {
        self.document = document
    }

    /// What the value has that the schema does not allow, each with the place; empty when it fits.
    package func faults(
        of value: JSONValue, as schema: JSONValue, at place: String = ""
    ) -> [String] {
        var found = ofKind(value, schema, place) + ofChoices(value, schema, place)
        if schema["$ref"] != nil {
            found += faults(of: value, as: document.resolved(schema), at: place)
        }
        switch value {
        case .string(let text): found += ofText(text, schema, place)
        case .number(let number): found += ofNumber(number, schema, place)
        case .array(let elements): found += ofElements(elements, schema, place)
        case .object(let members): found += ofMembers(members, schema, place)
        case .null, .bool: break
        }
        return found
    }

    /// Words in schemas that this check would pass over.
    package var unknownKeywords: Set<String> {
        var schemas = Array((document.root["components"]?["schemas"]?.object ?? [:]).values)
        collectSchemas(document.root, into: &schemas)
        var found: Set<String> = []
        while let schema = schemas.popLast() {
            let members = schema.object ?? [:]
            found.formUnion(Set(members.keys).subtracting(Self.checked.union(Self.remarks)))
            if let format = schema["format"]?.string, !Self.formats.contains(format) {
                found.insert("format \(format)")
            }
            schemas += (schema["properties"]?.object ?? [:]).values
            schemas += (schema["anyOf"]?.array ?? []) + (schema["oneOf"]?.array ?? [])
            if let items = schema["items"] { schemas.append(items) }
        }
        return found
    }

    /// The schemas of parameters, bodies and headers.
    private func collectSchemas(_ value: JSONValue, into schemas: inout [JSONValue]) {
        for (name, member) in value.object ?? [:] {
            if name == "schema" { schemas.append(member) }
            if name != "schemas" { collectSchemas(member, into: &schemas) }
        }
        for element in value.array ?? [] { collectSchemas(element, into: &schemas) }
    }

    private func ofKind(_ value: JSONValue, _ schema: JSONValue, _ place: String) -> [String] {
        var found: [String] = []
        if let type = schema["type"] {
            let types = (type.array ?? [type]).compactMap(\.string)
            if !types.contains(where: { Self.isOf($0, value) }) {
                found.append("\(place): is no \(types.joined(separator: " or "))")
            }
        }
        if let values = schema["enum"]?.array, !values.contains(value) {
            found.append("\(place): \(value) is none of the values")
        }
        if let constant = schema["const"], constant != value {
            found.append("\(place): is not \(constant)")
        }
        return found
    }

    private static func isOf(_ type: String, _ value: JSONValue) -> Bool {
        switch value {
        case .null: type == "null"
        case .bool: type == "boolean"
        case .number(let number): type == "number" || type == "integer" && number.integer != nil
        case .string: type == "string"
        case .array: type == "array"
        case .object: type == "object"
        }
    }

    private func ofChoices(_ value: JSONValue, _ schema: JSONValue, _ place: String) -> [String] {
        for (word, isExact) in [("anyOf", false), ("oneOf", true)] {
            guard let choices = schema[word]?.array else { continue }
            let failures = choices.map { faults(of: value, as: $0, at: place) }
            let fitting = failures.count { $0.isEmpty }
            if fitting == 0 { return ["\(place): fits none of \(word): \(failures)"] }
            if isExact, fitting > 1 { return ["\(place): fits \(fitting) of oneOf"] }
        }
        return []
    }

    private func ofText(_ text: String, _ schema: JSONValue, _ place: String) -> [String] {
        var found: [String] = []
        let length = text.unicodeScalars.count
        if let least = schema["minLength"]?.integer, length < least {
            found.append("\(place): is shorter than \(least)")
        }
        if let most = schema["maxLength"]?.integer, length > most {
            found.append("\(place): is longer than \(most)")
        }
        if let pattern = schema["pattern"]?.string,
            (try? Regex(pattern).firstMatch(in: text)) == nil
        {
            found.append("\(place): '\(text)' does not match \(pattern)")
        }
        if schema["format"]?.string == "date-time", Timestamp(text) == nil {
            found.append("\(place): '\(text)' is no time")
        }
        return found
    }

    private func ofNumber(
        _ number: JSONNumber, _ schema: JSONValue, _ place: String
    ) -> [String] {
        guard let value = number.double else { return ["\(place): is too large"] }
        var found: [String] = []
        if let least = schema["minimum"]?.number?.double, value < least {
            found.append("\(place): is less than \(least)")
        }
        if let most = schema["maximum"]?.number?.double, value > most {
            found.append("\(place): is more than \(most)")
        }
        return found
    }

    private func ofElements(
        _ elements: [JSONValue], _ schema: JSONValue, _ place: String
    ) -> [String] {
        var found: [String] = []
        if let least = schema["minItems"]?.integer, elements.count < least {
            found.append("\(place): has fewer than \(least) elements")
        }
        if let most = schema["maxItems"]?.integer, elements.count > most {
            found.append("\(place): has more than \(most) elements")
        }
        if let items = schema["items"] {
            for (index, element) in elements.enumerated() {
                found += faults(of: element, as: items, at: "\(place)/\(index)")
            }
        }
        return found
    }

    private func ofMembers(
        _ members: [String: JSONValue], _ schema: JSONValue, _ place: String
    ) -> [String] {
        var found: [String] = []
        for name in (schema["required"]?.array ?? []).compactMap(\.string)
        where members[name] == nil {
            found.append("\(place)/\(name): is missing")
        }
        let properties = schema["properties"]?.object ?? [:]
        for (name, member) in members.sorted(by: { $0.key < $1.key }) {
            if let property = properties[name] {
                found += faults(of: member, as: property, at: "\(place)/\(name)")
            } else if schema["additionalProperties"]?.bool == false {
                found.append("\(place)/\(name): is not described")
            }
        }
        return found
    }
}
