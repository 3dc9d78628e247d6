import Kernel

/// What is known of a person by name, bounded: whoever sends events cannot grow it for ever.
struct TraitSet: Sendable, Hashable {
    static let maximumCount = 64
    /// About as much JSON as one set may hold.
    static let maximumBytes = 16 << 10
    /// How deep a value may be nested.
    static let maximumDepth = 8

    private(set) var values: [String: JSONValue]

    init(_ values: [String: JSONValue] = [:]) {
        self.values = values
    }

    /// Takes over newer values; null forgets one. What does not fit, or cannot be stored, is left
    /// out. Returns how many were left out.
    mutating func merge(_ newer: [String: JSONValue]) -> Int {
        var leftOut = 0
        var bytes = values.reduce(0) { $0 + Self.cost($1.key, $1.value) }
        // In one order, so that at the limits the same events always leave the same traits.
        for (name, value) in newer.sorted(by: { $0.key < $1.key }) {
            let freed = values[name].map { Self.cost(name, $0) } ?? 0
            if value == .null {
                values[name] = nil
                bytes -= freed
                continue
            }
            let added = Self.cost(name, value)
            guard Self.isStorable(name), Self.isStorable(value, depth: 1),
                bytes - freed + added <= Self.maximumBytes,
                values[name] != nil || values.count < Self.maximumCount
            else {
                leftOut += 1
                continue
            }
            values[name] = value
            bytes += added - freed
        }
        return leftOut
    }

    /// The length as compact JSON, escapes not counted.
    private static func cost(_ name: String, _ value: JSONValue) -> Int {
        name.utf8.count + 4 + size(value)
    }

    private static func size(_ value: JSONValue) -> Int {
        switch value {
        case .null, .bool: 5
        case .number(let number): number.text.utf8.count
        case .string(let text): text.utf8.count + 2
        case .array(let elements): elements.reduce(2) { $0 + size($1) + 1 }
        case .object(let members): members.reduce(2) { $0 + cost($1.key, $1.value) }
        }
    }

    /// PostgreSQL's text has no NUL.
    private static func isStorable(_ text: String) -> Bool { !text.utf8.contains(0) }

    private static func isStorable(_ value: JSONValue, depth: Int) -> Bool {
        guard depth <= maximumDepth else { return false }
        switch value {
        case .null, .bool: return true
        case .string(let text): return isStorable(text)
        case .number(let number): return number.isStorable
        case .array(let elements):
            return elements.allSatisfy { isStorable($0, depth: depth + 1) }
        case .object(let members):
            return members.allSatisfy {
                isStorable($0.key) && isStorable($0.value, depth: depth + 1)
            }
        }
    }
}
