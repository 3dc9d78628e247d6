import HTTPKit
import Kernel

extension QueryParameters {
    /// The id at a name; nil when absent. Throws 400 for anything else.
    func id<Tag: IDTag>(
        _ name: String, as type: TypeID<Tag>.Type = TypeID<Tag>.self
    ) throws(Problem) -> TypeID<Tag>? {
        guard let text = self[name] else { return nil }
        guard let id = TypeID<Tag>(text) else {
            throw Self.invalid(name, "Use an id that starts with '\(Tag.prefix)_'.")
        }
        return id
    }

    /// Where a list goes on: the last id of the page before. Throws 400 for anything else.
    func cursor<Tag: IDTag>(
        as type: TypeID<Tag>.Type = TypeID<Tag>.self
    ) throws(Problem) -> TypeID<Tag>? {
        guard let text = self["cursor"] else { return nil }
        guard let id = TypeID<Tag>(text) else {
            throw .badRequest(
                "invalid_cursor", "Use the next_cursor of the page before.", pointer: "?cursor")
        }
        return id
    }

    private static func invalid(_ name: String, _ detail: String) -> Problem {
        .invalid([.init(pointer: "?\(name)", code: "invalid_value", detail: detail)])
    }
}
