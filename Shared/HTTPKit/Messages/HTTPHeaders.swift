/// Header fields in the order they came or will be sent. Names compare without case.
package struct HTTPHeaders: Sendable {
    /// One field line.
    package struct Field: Sendable, Hashable {
        /// As written; compare with `HTTPHeaders.isSameName`.
        package let name: String
        /// Without the white space around it.
        package let value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    /// Every field line, in order; a name may occur several times.
    package private(set) var fields: [Field]

    /// No fields.
    package init() {
        fields = []
    }

    /// The given field lines, in order.
    package init(fields: [Field]) {
        self.fields = fields
    }

    /// The first value of a name. Setting replaces all of them; setting nil removes them.
    package subscript(_ name: String) -> String? {
        get {
            for field in fields where Self.isSameName(field.name, name) { return field.value }
            return nil
        }
        set {
            remove(name)
            if let newValue { add(name, newValue) }
        }
    }

    /// Every value of a name, in order.
    package func values(_ name: String) -> [String] {
        fields.filter { Self.isSameName($0.name, name) }.map(\.value)
    }

    /// Whether there is at least one field of that name.
    package func contains(_ name: String) -> Bool {
        fields.contains { Self.isSameName($0.name, name) }
    }

    /// Adds a field line after the others, beside those of the same name.
    package mutating func add(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// Removes every field of that name.
    package mutating func remove(_ name: String) {
        fields.removeAll { Self.isSameName($0.name, name) }
    }

    /// Makes room for so many fields.
    package mutating func reserveCapacity(_ count: Int) {
        fields.reserveCapacity(count)
    }

    /// Whether two header names are the same, ASCII letters compared without case.
    package static func isSameName(_ left: String, _ right: String) -> Bool {
        let (leftBytes, rightBytes) = (left.utf8, right.utf8)
        guard leftBytes.count == rightBytes.count else { return false }
        return zip(leftBytes, rightBytes).allSatisfy {
            $0 == $1 || lowercased($0) == lowercased($1)
        }
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (65...90).contains(byte) ? byte | 0x20 : byte
    }
}

extension HTTPHeaders: ExpressibleByDictionaryLiteral {
    /// `["Retry-After": "1"]`, in the order written.
    package init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { Field(name: $0.0, value: $0.1) }
    }
}

extension HTTPHeaders: Equatable {
    /// The same fields in the same order, names without case, values exactly.
    package static func == (left: Self, right: Self) -> Bool {
        left.fields.count == right.fields.count
            && zip(left.fields, right.fields).allSatisfy {
                isSameName($0.name, $1.name) && $0.value == $1.value
            }
    }
}
