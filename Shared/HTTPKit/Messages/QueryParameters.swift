package import Kernel

/// The parameters after `?`, decoded, in the order they came.
package struct QueryParameters: Sendable, Hashable {
    /// One `name=value`.
    package struct Item: Sendable, Hashable {
        /// Decoded.
        package let name: String
        /// Decoded; empty when there was no `=`.
        package let value: String
    }

    /// Every parameter, in order.
    package let items: [Item]

    /// No parameters.
    package init() {
        items = []
    }

    /// Given parameters, already decoded.
    package init(_ pairs: [(String, String)]) {
        items = pairs.map { Item(name: $0.0, value: $0.1) }
    }

    /// Reads the text after `?`; nil when a percent escape or its UTF-8 is broken.
    init?(encoded: some StringProtocol) {
        var items: [Item] = []
        for part in encoded.utf8.split(separator: UInt8(ascii: "&")) {
            let name = part.prefix { $0 != UInt8(ascii: "=") }
            guard let name = PercentDecoding.decode(name, plusIsSpace: true),
                let value = PercentDecoding.decode(
                    part.dropFirst(name.encodedCount + 1), plusIsSpace: true)
            else { return nil }
            items.append(Item(name: name.text, value: value.text))
        }
        self.items = items
    }

    /// The first value of a name.
    package subscript(_ name: String) -> String? {
        items.first { $0.name == name }?.value
    }

    /// Every value of a name, in order.
    package func values(_ name: String) -> [String] {
        items.filter { $0.name == name }.map(\.value)
    }

    /// A whole number; nil when absent. Throws 400 for anything else.
    package func integer(_ name: String) throws(Problem) -> Int? {
        guard let text = self[name] else { return nil }
        guard let value = Int(text) else {
            throw Self.invalid(name, "Use a whole number for '\(name)'.")
        }
        return value
    }

    /// The id at a name; nil when absent. Throws 400 for anything else.
    package func id<Tag: IDTag>(
        _ name: String, as type: TypeID<Tag>.Type = TypeID<Tag>.self
    ) throws(Problem) -> TypeID<Tag>? {
        guard let text = self[name] else { return nil }
        guard let id = TypeID<Tag>(text) else {
            throw Self.invalid(name, "Use an id that starts with '\(Tag.prefix)_'.")
        }
        return id
    }

    /// One of an enumeration's values; nil when absent. Throws 400 for anything else.
    package func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, as type: Choice.Type = Choice.self
    ) throws(Problem) -> Choice? where Choice.RawValue == String {
        guard let text = self[name] else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw Self.invalid(name, "Use one of \(names).")
        }
        return choice
    }

    /// `cursor` where it is the last id of the page before; nil when absent. Throws 400 for
    /// anything else.
    package func cursor<Tag: IDTag>(
        as type: TypeID<Tag>.Type = TypeID<Tag>.self
    ) throws(Problem) -> TypeID<Tag>? {
        guard let text = self["cursor"] else { return nil }
        guard let id = TypeID<Tag>(text) else { throw .invalidCursor }
        return id
    }

    /// `limit` and `cursor`. Throws 400 for a limit out of bounds.
    package func page() throws(Problem) -> PageRequest {
        try PageRequest(limit: integer("limit"), cursor: self["cursor"])
    }

    private static func invalid(_ name: String, _ detail: String) -> Problem {
        .invalid([.init(pointer: "?\(name)", code: "invalid_value", detail: detail)])
    }
}
