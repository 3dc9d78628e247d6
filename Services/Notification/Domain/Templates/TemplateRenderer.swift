import Kernel

/// Why a sound template cannot be rendered with certain variables.
enum RenderFailure: Error, Sendable, Hashable {
    /// There is no such variable, and no default.
    case missingVariable(String)
    /// The variable is an object or a list.
    case notText(String)
    /// The variable stands where a URL begins and is no http, https or mailto URL.
    case unsafeURL(String)
    case emptySubject
    case tooLong(TemplatePart)

    /// A stable slug, the reason of a refused message.
    var code: String {
        switch self {
        case .missingVariable: "missing_variable"
        case .notText: "variable_not_text"
        case .unsafeURL: "unsafe_url"
        case .emptySubject: "empty_subject"
        case .tooLong: "message_too_long"
        }
    }

    var detail: String {
        switch self {
        case .missingVariable(let name): "The variable '\(name)' is missing and has no default."
        case .notText(let name): "The variable '\(name)' is an object or a list, not a text."
        case .unsafeURL(let name):
            "The variable '\(name)' begins a URL and is not an http, https or mailto URL."
        case .emptySubject: "The subject is empty."
        case .tooLong(let part): "The message's \(part.rawValue) is too long."
        }
    }
}

/// Writes a template with its variables, within bounds of size and work.
struct TemplateRenderer {
    private static let maximumItems = 100
    private static let maximumSteps = 20_000

    private let part: TemplatePart
    private let variables: JSONValue
    private var output = ""
    private var outputBytes = 0
    private var steps = 0
    /// What `this` is, innermost last.
    private var items: [JSONValue] = []

    static func render(
        _ nodes: [TemplateNode], _ part: TemplatePart, _ variables: JSONValue
    ) throws(RenderFailure) -> String {
        var renderer = TemplateRenderer(part: part, variables: variables)
        try renderer.render(nodes)
        return renderer.output
    }

    private init(part: TemplatePart, variables: JSONValue) {
        self.part = part
        self.variables = variables
    }

    private mutating func render(_ nodes: [TemplateNode]) throws(RenderFailure) {
        for node in nodes {
            steps += 1
            guard steps <= Self.maximumSteps else { throw .tooLong(part) }
            switch node {
            case .literal(let text):
                try append(part == .subject ? ValueWriting.header(text) : text)
            case .value(let value): try append(try text(of: value))
            case .condition(let path, let then, let otherwise):
                try render(Self.isTrue(look(up: path)) ? then : otherwise)
            case .each(let path, let body):
                for item in (look(up: path)?.array ?? []).prefix(Self.maximumItems) {
                    items.append(item)
                    try render(body)
                    items.removeLast()
                }
            }
        }
    }

    private mutating func append(_ text: String) throws(RenderFailure) {
        outputBytes += text.utf8.count
        guard outputBytes <= part.outputLimitBytes else { throw .tooLong(part) }
        output += text
    }

    private func look(up path: TemplatePath) -> JSONValue? {
        var value: JSONValue?
        var names = path.names[...]
        if names.first == "this" {
            names = names.dropFirst()
            value = items.last
        } else {
            value = variables
        }
        for name in names { value = value?[name] }
        return value
    }

    private func text(of value: TemplateValue) throws(RenderFailure) -> String {
        var text = try Self.text(look(up: value.path), value.path)
        for filter in value.filters {
            switch filter {
            case .defaultText(let stand): if text?.isEmpty ?? true { text = stand }
            case .upper: text = text?.uppercased()
            case .lower: text = text?.lowercased()
            }
        }
        guard let text else { throw .missingVariable(value.path.text) }
        guard let written = ValueWriting.write(text, value.encoding) else {
            throw .unsafeURL(value.path.text)
        }
        return written
    }

    private static func text(
        _ value: JSONValue?, _ path: TemplatePath
    ) throws(RenderFailure) -> String? {
        switch value {
        case nil, .null?: nil
        case .string(let text)?: text
        case .number(let number)?: number.text
        case .bool(let flag)?: String(flag)
        case .array?, .object?: throw .notText(path.text)
        }
    }

    private static func isTrue(_ value: JSONValue?) -> Bool {
        switch value {
        case nil, .null?: false
        case .bool(let flag)?: flag
        case .string(let text)?: !text.isEmpty
        case .array(let elements)?: !elements.isEmpty
        case .number(let number)?: number.double != 0
        case .object?: true
        }
    }
}
