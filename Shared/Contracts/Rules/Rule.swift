package import Kernel

/// A condition in the campaign rule language (DESIGN §7).
///
/// `{"all":[…]}`, `{"any":[…]}`, `{"not":…}` or
/// `{"field":"traits.plan","op":"in","value":["pro"]}`.
/// At most 8 levels deep and 100 conditions in all.
package indirect enum Rule: Sendable, Hashable {
    case all([Rule])
    case any([Rule])
    case not(Rule)
    case condition(Condition)

    /// One comparison of a field with a value.
    package struct Condition: Sendable, Hashable {
        /// A dotted path into the facts: `event.…`, `participant.…`, `traits.…`, `campaign.…`.
        package let field: String
        package let comparison: Comparison
        /// What the field is compared with; ignored by `exists`.
        package let value: JSONValue

        package init(field: String, comparison: Comparison, value: JSONValue) {
            self.field = field
            self.comparison = comparison
            self.value = value
        }
    }

    /// The operators. An absent field fails every one but `not_equals`, `not_in` and `exists:
    /// false`.
    package enum Comparison: String, Sendable, Hashable, Codable, CaseIterable {
        case equals, exists, contains
        case notEquals = "not_equals"
        case isIn = "in"
        case isNotIn = "not_in"
        case less = "lt"
        case lessOrEqual = "lte"
        case greater = "gt"
        case greaterOrEqual = "gte"
    }

    package static let maximumDepth = 8
    package static let maximumConditions = 100

    /// Conditions in the whole tree.
    package var conditionCount: Int {
        switch self {
        case .all(let rules), .any(let rules): rules.reduce(0) { $0 + $1.conditionCount }
        case .not(let rule): rule.conditionCount
        case .condition: 1
        }
    }

    /// Levels of the tree; 1 for a single condition.
    package var depth: Int {
        switch self {
        case .all(let rules), .any(let rules): 1 + (rules.map(\.depth).max() ?? 0)
        case .not(let rule): 1 + rule.depth
        case .condition: 1
        }
    }
}

extension Rule: Codable {
    private enum CodingKeys: String, CodingKey {
        case all, any, not, field, value
        case comparison = "op"
    }

    package init(from decoder: any Decoder) throws {
        guard decoder.codingPath.count < 64 else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "The rule is too deep."))
        }
        let container = try decoder.container(keyedBy: CodingKeys.self)
        if container.contains(.all) {
            self = .all(try container.decode([Rule].self, forKey: .all))
        } else if container.contains(.any) {
            self = .any(try container.decode([Rule].self, forKey: .any))
        } else if container.contains(.not) {
            self = .not(try container.decode(Rule.self, forKey: .not))
        } else {
            self = .condition(
                Condition(
                    field: try container.decode(String.self, forKey: .field),
                    comparison: try container.decode(Comparison.self, forKey: .comparison),
                    value: try container.decodeIfPresent(JSONValue.self, forKey: .value) ?? .null))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .all(let rules): try container.encode(rules, forKey: .all)
        case .any(let rules): try container.encode(rules, forKey: .any)
        case .not(let rule): try container.encode(rule, forKey: .not)
        case .condition(let condition):
            try container.encode(condition.field, forKey: .field)
            try container.encode(condition.comparison, forKey: .comparison)
            try container.encode(condition.value, forKey: .value)
        }
    }
}
