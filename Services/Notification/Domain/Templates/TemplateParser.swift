/// Reads a template, and decides for each value how it must be written where it stands.
struct TemplateParser {
    private static let maximumDepth = 8
    private static let maximumNodes = 2000

    private let part: TemplatePart
    private var scanner: TemplateScanner
    /// Where in the document the next value would stand; nil outside of HTML.
    private var html: HTMLPlace?
    private var nodes = 0

    private init(_ source: String, _ part: TemplatePart) {
        self.part = part
        scanner = TemplateScanner(source)
        html = part == .html ? HTMLPlace() : nil
    }

    static func parse(
        _ source: String, _ part: TemplatePart
    ) throws(TemplateFault) -> [TemplateNode] {
        var parser = TemplateParser(source, part)
        guard source.utf8.count <= part.sourceLimitBytes else {
            throw parser.fault(
                "too_long", 0, "The text has more than \(part.sourceLimitBytes) bytes.")
        }
        guard !source.unicodeScalars.contains("\0") else {
            throw parser.fault("invalid_character", 0, "The text has a NUL character.")
        }
        let (nodes, _) = try parser.block(until: [], opened: 0, depth: 0)
        if let place = parser.html, !place.isBetweenElements {
            throw parser.fault(
                "unfinished_html", parser.scanner.offset, "The HTML ends inside a tag.")
        }
        return nodes
    }

    /// Nodes up to one of the closing words, and that word.
    private mutating func block(
        until ends: [String], opened: Int, depth: Int
    ) throws(TemplateFault) -> ([TemplateNode], end: String) {
        guard depth <= Self.maximumDepth else {
            throw fault(
                "too_deep", opened, "Blocks may stand in each other \(Self.maximumDepth) deep.")
        }
        var found: [TemplateNode] = []
        while let piece = try next() {
            nodes += 1
            guard nodes <= Self.maximumNodes else {
                throw fault(
                    "too_many_parts", scanner.offset,
                    "A text may have \(Self.maximumNodes) parts.")
            }
            switch piece {
            case .literal(let text):
                try advance(over: text)
                found.append(.literal(text))
            case .tag(let text, let offset):
                if ends.contains(text) { return (found, text) }
                found.append(try node(text, offset, depth: depth))
            }
        }
        guard ends.isEmpty else {
            throw fault("unclosed_block", opened, "This block is never closed.")
        }
        return (found, "")
    }

    private mutating func node(
        _ text: String, _ offset: Int, depth: Int
    ) throws(TemplateFault) -> TemplateNode {
        if text.hasPrefix("#if") {
            return try condition(path(text.dropFirst(3), offset), offset, depth: depth)
        }
        if text.hasPrefix("#each") {
            let path = try path(text.dropFirst(5), offset)
            let before = html
            let (body, _) = try block(until: ["/each"], opened: offset, depth: depth + 1)
            guard html == before else { throw unevenHTML(offset) }
            return .each(path: path, body: body)
        }
        guard text != "else", text.first != "#", text.first != "/" else {
            throw fault(
                "unexpected_tag", offset,
                "'\(text.prefix(40))' does not belong here. There are #if, else, /if, #each, "
                    + "/each.")
        }
        var reader = TagReader(text)
        guard let (path, filters) = reader.expression() else {
            throw fault(
                reader.faultCode, offset, "'\(text.prefix(40))' cannot be read. \(reader.help)")
        }
        return .value(
            TemplateValue(path: path, filters: filters, encoding: try encoding(offset)))
    }

    private mutating func condition(
        _ path: TemplatePath, _ offset: Int, depth: Int
    ) throws(TemplateFault) -> TemplateNode {
        let before = html
        let (then, end) = try block(until: ["else", "/if"], opened: offset, depth: depth + 1)
        let after = html
        guard end == "else" else {
            guard after == before else { throw unevenHTML(offset) }
            return .condition(path: path, then: then, otherwise: [])
        }
        html = before
        let (otherwise, _) = try block(until: ["/if"], opened: offset, depth: depth + 1)
        guard html == after else { throw unevenHTML(offset) }
        return .condition(path: path, then: then, otherwise: otherwise)
    }

    private func path(_ text: Substring, _ offset: Int) throws(TemplateFault) -> TemplatePath {
        var reader = TagReader(String(text))
        guard text.first.map({ $0 == " " }) ?? false,
            let (path, filters) = reader.expression(), filters.isEmpty
        else {
            throw fault("invalid_path", offset, "Write a variable's name, such as referral.url.")
        }
        return path
    }

    // MARK: - Places

    private mutating func next() throws(TemplateFault) -> TemplateScanner.Piece? {
        do throws(TemplateScanner.UnclosedTag) {
            return try scanner.next()
        } catch {
            throw fault("unclosed_tag", error.offset, "'{{' is never closed by '}}'.")
        }
    }

    private mutating func advance(over text: String) throws(TemplateFault) {
        let start = scanner.offset - text.unicodeScalars.count
        do throws(HTMLPlace.Refusal) {
            try html?.advance(over: text)
        } catch {
            throw fault("element_not_allowed", start + error.offset, error.detail)
        }
    }

    private mutating func encoding(_ offset: Int) throws(TemplateFault) -> ValueEncoding {
        switch part {
        case .subject: return .header
        case .text: return .plain
        case .html:
            do throws(HTMLPlace.Refusal) {
                return try html?.value() ?? .htmlText
            } catch {
                throw fault("variable_not_allowed_here", offset, error.detail)
            }
        }
    }

    private func unevenHTML(_ offset: Int) -> TemplateFault {
        fault(
            "uneven_block", offset,
            "Both ways through this block must end at the same place of the HTML: do not open a "
                + "tag or a quote inside that is closed outside.")
    }

    private func fault(_ code: String, _ offset: Int, _ detail: String) -> TemplateFault {
        let place = scanner.place(of: offset)
        return TemplateFault(
            part: part, code: code, line: place.line, column: place.column, detail: detail)
    }
}
