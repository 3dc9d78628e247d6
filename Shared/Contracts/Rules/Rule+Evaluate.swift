package import Kernel

/// What one condition said, kept so that a decision explains itself.
package struct ConditionOutcome: Sendable, Hashable, Codable {
    package let field: String
    package let comparison: Rule.Comparison
    /// What the rule asked for.
    package let expected: JSONValue
    /// What the facts held; nil when the field was absent.
    package let actual: JSONValue?
    package let passed: Bool

    private enum CodingKeys: String, CodingKey {
        case field, expected, actual, passed
        case comparison = "op"
    }
}

/// The verdict of a rule and of each condition under it, in the order they are written.
package struct RuleOutcome: Sendable, Hashable {
    package let passed: Bool
    /// Every condition is evaluated, also those that could not change the verdict.
    package let conditions: [ConditionOutcome]
}

extension Rule {
    /// Judges the facts. Pure: the same rule and facts give the same outcome.
    package func evaluate(_ facts: JSONValue) -> RuleOutcome {
        switch self {
        case .all(let rules):
            let outcomes = rules.map { $0.evaluate(facts) }
            return RuleOutcome(
                passed: outcomes.allSatisfy(\.passed), conditions: outcomes.flatMap(\.conditions))
        case .any(let rules):
            let outcomes = rules.map { $0.evaluate(facts) }
            return RuleOutcome(
                passed: outcomes.contains(where: \.passed),
                conditions: outcomes.flatMap(\.conditions))
        case .not(let rule):
            let outcome = rule.evaluate(facts)
            return RuleOutcome(passed: !outcome.passed, conditions: outcome.conditions)
        case .condition(let condition):
            let actual = facts.at(condition.field)
            let passed = condition.comparison.holds(actual, condition.value)
            let outcome = ConditionOutcome(
                field: condition.field, comparison: condition.comparison,
                expected: condition.value, actual: actual, passed: passed)
            return RuleOutcome(passed: passed, conditions: [outcome])
        }
    }
}

extension Rule.Comparison {
    fileprivate func holds(_ actual: JSONValue?, _ expected: JSONValue) -> Bool {
        switch self {
        case .exists: (actual.map { $0 != .null } ?? false) == (expected.bool ?? true)
        case .equals: actual.map { Self.same($0, expected) } ?? false
        case .notEquals: !(actual.map { Self.same($0, expected) } ?? false)
        case .isIn: actual.map { Self.contains(expected, $0) } ?? false
        case .isNotIn: !(actual.map { Self.contains(expected, $0) } ?? false)
        case .contains: actual.map { Self.contains($0, expected) } ?? false
        case .less: Self.order(actual, expected).map { $0 < 0 } ?? false
        case .lessOrEqual: Self.order(actual, expected).map { $0 <= 0 } ?? false
        case .greater: Self.order(actual, expected).map { $0 > 0 } ?? false
        case .greaterOrEqual: Self.order(actual, expected).map { $0 >= 0 } ?? false
        }
    }

    /// Equal as JSON; numbers by value, so that 1 and 1.0 are the same.
    private static func same(_ left: JSONValue, _ right: JSONValue) -> Bool {
        left == right || order(left, right) == 0
    }

    private static func contains(_ collection: JSONValue, _ element: JSONValue) -> Bool {
        switch collection {
        case .array(let elements): elements.contains { same($0, element) }
        case .string(let text): element.string.map { text.contains($0) } ?? false
        default: false
        }
    }

    /// Negative, zero or positive; nil when the two have no order. Numbers by value, times and
    /// other texts by text.
    private static func order(_ left: JSONValue?, _ right: JSONValue) -> Int? {
        switch (left, right) {
        case (.number(let left), .number(let right)):
            if let left = left.integer, let right = right.integer {
                return left == right ? 0 : left < right ? -1 : 1
            }
            guard let left = left.double, let right = right.double else { return nil }
            return left == right ? 0 : left < right ? -1 : 1
        case (.string(let left), .string(let right)):
            if let left = Timestamp(left), let right = Timestamp(right) {
                return left == right ? 0 : left < right ? -1 : 1
            }
            return left == right ? 0 : left < right ? -1 : 1
        default: return nil
        }
    }
}
