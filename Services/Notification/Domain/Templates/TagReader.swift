/// Reads `referral.url | default:"…" | upper`.
struct TagReader {
    private static let maximumNames = 10

    private var rest: Substring.UnicodeScalarView
    /// What was wrong, after `expression()` gave nil.
    private(set) var faultCode = "invalid_path"

    init(_ text: String) { rest = Substring(text).unicodeScalars }

    var help: String {
        faultCode == "unknown_filter"
            ? "The filters are default:\"…\", upper and lower."
            : "Write a variable's name, such as referral.url."
    }

    /// The whole text as a path with filters; nil when it is anything else.
    mutating func expression() -> (TemplatePath, [TemplateFilter])? {
        guard let path = path() else { return nil }
        var filters: [TemplateFilter] = []
        while take("|") {
            guard let filter = filter() else {
                faultCode = "unknown_filter"
                return nil
            }
            filters.append(filter)
        }
        skipSpaces()
        return rest.isEmpty ? (path, filters) : nil
    }

    private mutating func path() -> TemplatePath? {
        var names: [String] = []
        repeat {
            guard let name = name(), names.count < Self.maximumNames else { return nil }
            names.append(name)
        } while rest.first == "." && rest.popFirst() != nil
        return TemplatePath(names: names)
    }

    private mutating func name() -> String? {
        if rest.first.map(TemplateScanner.isSpace) ?? false { skipSpaces() }
        var name = String.UnicodeScalarView()
        while let scalar = rest.first, Self.isNamePart(scalar) {
            name.append(scalar)
            rest.removeFirst()
        }
        return name.isEmpty || name.first == "-" ? nil : String(name)
    }

    private mutating func filter() -> TemplateFilter? {
        skipSpaces()
        switch name() {
        case "upper": return .upper
        case "lower": return .lower
        case "default":
            guard take(":"), let text = quoted() else { return nil }
            return .defaultText(text)
        default: return nil
        }
    }

    private mutating func quoted() -> String? {
        skipSpaces()
        guard let quote = rest.popFirst(), quote == "\"" || quote == "'" else { return nil }
        var text = String.UnicodeScalarView()
        while let scalar = rest.popFirst() {
            if scalar == quote { return String(text) }
            if scalar == "\\" {
                guard let next = rest.popFirst() else { return nil }
                text.append(next)
            } else {
                text.append(scalar)
            }
        }
        return nil
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        skipSpaces()
        guard rest.first == scalar else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func skipSpaces() {
        while let scalar = rest.first, TemplateScanner.isSpace(scalar) { rest.removeFirst() }
    }

    private static func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "A"..."Z", "0"..."9", "_", "-", "$": true
        default: false
        }
    }
}
