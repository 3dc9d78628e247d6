import Kernel

/// A JSON pointer (RFC 6901).
struct JSONPath: Sendable, Hashable {
    static let maximumLength = 200
    static let maximumSteps = 20

    let text: String
    private let steps: [String]

    /// Nil when it is not a pointer, or longer than anybody needs.
    init?(_ text: String) {
        guard text.utf8.count <= Self.maximumLength, text.isEmpty || text.hasPrefix("/") else {
            return nil
        }
        var steps: [String] = []
        for part in text.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
            guard let step = Self.unescape(part) else { return nil }
            steps.append(step)
        }
        guard steps.count <= Self.maximumSteps else { return nil }
        self.text = text
        self.steps = steps
    }

    /// The value it points at; nil where there is none. A null is none.
    func value(in document: JSONValue) -> JSONValue? {
        var value = document
        for step in steps {
            switch value {
            case .object(let members):
                guard let member = members[step] else { return nil }
                value = member
            case .array(let elements):
                guard let index = Self.index(step), index < elements.count else { return nil }
                value = elements[index]
            default: return nil
            }
        }
        return value == .null ? nil : value
    }

    private static func unescape(_ part: Substring) -> String? {
        var text = ""
        var isEscaped = false
        for character in part {
            switch (character, isEscaped) {
            case ("0", true): text.append("~")
            case ("1", true): text.append("/")
            case (_, true): return nil
            case ("~", false):
                isEscaped = true
                continue
            default: text.append(character)
            }
            isEscaped = false
        }
        return isEscaped ? nil : text
    }

    private static func index(_ step: String) -> Int? {
        guard step == "0" || !step.hasPrefix("0"), (1...6).contains(step.utf8.count),
            step.utf8.allSatisfy({ (48...57).contains($0) })
        else { return nil }
        return Int(step)
    }
}
