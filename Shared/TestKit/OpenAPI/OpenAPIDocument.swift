import HTTPKit
package import Kernel

/// An OpenAPI description as far as the checks read it.
package struct OpenAPIDocument: Sendable {
    /// A method on a path, with what is said of it.
    package struct Operation: Sendable {
        package let method: String
        package let path: String
        package let value: JSONValue

        package var name: String { "\(method) \(path)" }
        package var responses: [String: JSONValue] { value["responses"]?.object ?? [:] }
        /// The names of the schemes that may be used, each way sorted.
        package var security: Set<[String]>? {
            value["security"]?.array.map { ways in
                Set(ways.map { ($0.object ?? [:]).keys.sorted() })
            }
        }
    }

    private static let methods: Set<String> = ["get", "put", "post", "delete", "patch", "head"]

    package let root: JSONValue
    package let operations: [Operation]

    /// Reads the bytes that a service serves; what cannot be read describes nothing.
    package init(_ bytes: [UInt8]?) {
        root = (try? JSONCoding.parse(bytes ?? [])) ?? .null
        operations = Self.operations(of: root)
    }

    private static func operations(of root: JSONValue) -> [Operation] {
        (root["paths"]?.object ?? [:]).flatMap { path, item in
            (item.object ?? [:]).filter { methods.contains($0.key) }.map {
                Operation(method: $0.key.uppercased(), path: path, value: $0.value)
            }
        }.sorted { $0.name < $1.name }
    }

    /// Every `$ref` in the document.
    package var references: Set<String> { Self.references(in: root) }

    /// `#/components/schemas/Amount` and so on, as they are defined.
    package var components: Set<String> {
        var names: Set<String> = []
        for (kind, members) in root["components"]?.object ?? [:] where kind != "securitySchemes" {
            for name in (members.object ?? [:]).keys {
                names.insert("#/components/\(kind)/\(name)")
            }
        }
        return names
    }

    /// The value with references followed.
    package func resolved(_ value: JSONValue) -> JSONValue {
        guard let reference = value["$ref"]?.string else { return value }
        return reference.split(separator: "/").dropFirst().reduce(root) {
            $0[String($1)] ?? .null
        }
    }

    /// An operation's parameters in the path, the query or the headers.
    package func parameters(of operation: Operation, in place: String) -> [JSONValue] {
        (operation.value["parameters"]?.array ?? []).map(resolved)
            .filter { $0["in"]?.string == place }
    }

    /// Every object schema that requires what it does not have.
    package var impossibleSchemas: [JSONValue] {
        Self.all(in: root).filter { schema in
            guard let required = schema["required"]?.array?.compactMap(\.string),
                let properties = schema["properties"]?.object
            else { return false }
            return !Set(required).isSubset(of: properties.keys)
        }
    }

    private static func references(in value: JSONValue) -> Set<String> {
        Set(all(in: value).compactMap { $0["$ref"]?.string })
    }

    /// The value and all below it.
    private static func all(in value: JSONValue) -> [JSONValue] {
        switch value {
        case .object(let members): [value] + members.values.flatMap(all)
        case .array(let elements): elements.flatMap(all)
        default: []
        }
    }
}
