import HTTPKit
import Kernel

extension PropertySchema {
    /// The largest schema, in bytes as it is stored.
    static let maximumBytes = 16 << 10
    /// Levels of objects and lists that a schema describes.
    static let maximumDepth = 5
    /// Names that one object describes, and texts that one property allows.
    static let maximumNames = 100
    private static let maximumNameLength = 100
    /// Up to here every whole number is exact as a `Double`.
    private static let limits = -(1 << 53)...(1 << 53)
    private static let keywords: Set = [
        "type", "properties", "required", "additionalProperties", "enum", "minimum", "maximum",
        "maxLength", "format", "items", "description", "title",
    ]

    /// Reads the schema of an event's properties; throws what is wrong with it, and where.
    init(
        ofProperties document: JSONValue, at pointer: String = "/schema"
    ) throws(Problem) {
        guard let bytes = try? JSONCoding.encode(document), bytes.count <= Self.maximumBytes else {
            throw Self.wrong(pointer, "A schema has at most \(Self.maximumBytes) bytes.")
        }
        try self.init(document, at: pointer, depth: 1)
        guard kinds == [.object] else {
            throw Self.wrong(
                pointer + "/type", "The properties of an event are an object: type is object.")
        }
    }

    private init(_ document: JSONValue, at pointer: String, depth: Int) throws(Problem) {
        guard case .object(let members) = document else {
            throw Self.wrong(pointer, "A schema is an object.")
        }
        guard depth <= Self.maximumDepth else {
            throw Self.wrong(pointer, "A schema has at most \(Self.maximumDepth) levels.")
        }
        if let name = members.keys.sorted().first(where: { !Self.keywords.contains($0) }) {
            throw Self.wrong(
                "\(pointer)/\(Self.escaped(name))",
                "Use \(Self.keywords.sorted().joined(separator: ", ")) only.")
        }
        kinds = try Self.kinds(members["type"], pointer + "/type")
        try readMembers(members, pointer, depth)
        try readText(members, pointer)
        if let items = members["items"] {
            self.items = [try PropertySchema(items, at: pointer + "/items", depth: depth + 1)]
        }
        minimum = try Self.number(members["minimum"], pointer + "/minimum", in: Self.limits)
        maximum = try Self.number(members["maximum"], pointer + "/maximum", in: Self.limits)
        if let minimum, let maximum, minimum > maximum {
            throw Self.wrong(pointer + "/maximum", "The maximum is less than the minimum.")
        }
    }

    private mutating func readMembers(
        _ members: [String: JSONValue], _ pointer: String, _ depth: Int
    ) throws(Problem) {
        if let value = members["properties"] {
            guard case .object(let described) = value, described.count <= Self.maximumNames else {
                throw Self.wrong(
                    pointer + "/properties",
                    "An object with at most \(Self.maximumNames) names describes the properties.")
            }
            for (name, schema) in described.sorted(by: { $0.key < $1.key }) {
                let place = "\(pointer)/properties/\(Self.escaped(name))"
                guard (1...Self.maximumNameLength).contains(name.unicodeScalars.count) else {
                    throw Self.wrong(
                        place, "A name has 1 to \(Self.maximumNameLength) characters.")
                }
                properties[name] = try PropertySchema(schema, at: place, depth: depth + 1)
            }
        }
        required = try Self.texts(members["required"], pointer + "/required") ?? []
        switch members["additionalProperties"] {
        case nil: break
        case .bool(let allowed): allowsMore = allowed
        default:
            throw Self.wrong(
                pointer + "/additionalProperties", "additionalProperties is true or false.")
        }
    }

    private mutating func readText(
        _ members: [String: JSONValue], _ pointer: String
    ) throws(Problem) {
        choices = try Self.texts(members["enum"], pointer + "/enum").map { Set($0) }
        if choices?.isEmpty == true {
            throw Self.wrong(pointer + "/enum", "Name at least one value.")
        }
        maxLength = try Self.number(members["maxLength"], pointer + "/maxLength", in: 0...32_768)
        if let value = members["format"] {
            guard let format = value.string.flatMap(Format.init(rawValue:)) else {
                let names = Format.allCases.map(\.rawValue).joined(separator: " or ")
                throw Self.wrong(pointer + "/format", "format is \(names).")
            }
            self.format = format
        }
        for name in ["description", "title"] {
            guard let value = members[name] else { continue }
            guard let text = value.string, text.unicodeScalars.count <= 500 else {
                throw Self.wrong(
                    "\(pointer)/\(name)", "'\(name)' is a text of at most 500 characters.")
            }
        }
    }

    private static func kinds(
        _ value: JSONValue?, _ pointer: String
    ) throws(Problem) -> Set<Kind> {
        guard let value else { return [] }
        let names: [String] =
            if let name = value.string { [name] } else { try texts(value, pointer) ?? [] }
        let kinds = names.compactMap(Kind.init(rawValue:))
        guard !names.isEmpty, kinds.count == names.count else {
            let known = Kind.allCases.map(\.rawValue).joined(separator: ", ")
            throw wrong(pointer, "type is one or a list of \(known).")
        }
        return Set(kinds)
    }

    private static func texts(
        _ value: JSONValue?, _ pointer: String
    ) throws(Problem) -> [String]? {
        guard let value else { return nil }
        let texts = value.array?.compactMap(\.string)
        guard let texts, texts.count == value.array?.count, texts.count <= maximumNames,
            Set(texts).count == texts.count
        else {
            throw wrong(pointer, "It is a list of at most \(maximumNames) different texts.")
        }
        return texts
    }

    private static func number(
        _ value: JSONValue?, _ pointer: String, in range: ClosedRange<Int>
    ) throws(Problem) -> Int? {
        guard let value else { return nil }
        guard let number = value.integer, range.contains(number) else {
            throw wrong(
                pointer, "It is a whole number from \(range.lowerBound) to \(range.upperBound).")
        }
        return number
    }

    private static func wrong(_ pointer: String, _ detail: String) -> Problem {
        .invalid([.init(pointer: pointer, code: "invalid_schema", detail: detail)])
    }
}
