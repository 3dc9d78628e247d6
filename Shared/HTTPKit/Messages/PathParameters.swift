package import Kernel

/// The decoded values of a route template's `{names}`.
package struct PathParameters: Sendable, Hashable {
    private let names: [String]
    private let values: [String]

    /// Given names with their values.
    package init(_ pairs: [(String, String)] = []) {
        names = pairs.map(\.0)
        values = pairs.map(\.1)
    }

    init(names: [String], values: [String]) {
        self.names = names
        self.values = values
    }

    /// The value of a name; nil when the template has no such name.
    package subscript(_ name: String) -> String? {
        names.firstIndex(of: name).map { values[$0] }
    }

    /// The value of a name. Throws 404 when the template has none, which only a wiring error does.
    package func string(_ name: String) throws(Problem) -> String {
        guard let value = self[name] else { throw .notFound("resource") }
        return value
    }

    /// The id at a name. Throws 404 when it is not an id of that kind, as for any unknown id.
    package func id<Tag: IDTag>(
        _ name: String, as type: TypeID<Tag>.Type = TypeID<Tag>.self
    ) throws(Problem) -> TypeID<Tag> {
        guard let text = self[name], let id = TypeID<Tag>(text) else {
            throw .notFound("resource")
        }
        return id
    }
}
