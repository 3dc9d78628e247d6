import HTTPKit

/// An object under construction. A name keeps its first place and takes its last value.
struct ObjectBuilder {
    private(set) var members: [EncodedJSON.Member] = []
    private var places: [String: Int] = [:]

    init() {}

    /// Takes over the members of an object except some; nothing from another kind of value.
    init(_ object: JSONSlice?, without names: Set<String> = []) {
        merge(object, without: names)
    }

    subscript(_ name: String) -> EncodedJSON? { places[name].map { members[$0].value } }

    var isEmpty: Bool { members.isEmpty }
    /// The object; nil when it has no member.
    var object: EncodedJSON? { isEmpty ? nil : EncodedJSON(object: members) }

    mutating func merge(_ object: JSONSlice?, without names: Set<String> = []) {
        for (name, value) in object?.members ?? [] where !names.contains(name) {
            set(name, EncodedJSON(value))
        }
    }

    /// Nil and null leave what is there.
    mutating func set(_ name: String, _ slice: JSONSlice?) {
        if let slice, slice.kind != .null { set(name, EncodedJSON(slice)) }
    }

    mutating func set(_ name: String, _ value: EncodedJSON) {
        if let place = places[name] {
            members[place].value = value
        } else {
            places[name] = members.count
            members.append((name, value))
        }
    }
}
