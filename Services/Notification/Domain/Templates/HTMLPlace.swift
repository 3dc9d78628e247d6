/// Where in an HTML document one stands after the text so far, as a browser's tokenizer sees it.
///
/// Where browsers differ or do surprising things (scripts, foreign elements), the element is
/// refused. A mistake on this side may refuse a value that would do no harm, never the other way.
///
/// Source: HTML Living Standard §13.2.5, as far as mail needs it.
struct HTMLPlace: Equatable {
    /// Why the text, or a value at this place, is refused.
    struct Refusal: Error {
        /// Of the scalar, from the beginning of the text that was read.
        var offset = 0
        let detail: String
    }

    private enum State: Equatable {
        case text
        case tagOpen
        /// `</`
        case endTagOpen
        /// `<!` with what follows, until it is known to be a comment.
        case declaration(String)
        /// `dashes` at its end so far.
        case comment(dashes: Int)
        case tagName(isEnd: Bool)
        case betweenAttributes
        case attributeName
        case afterAttributeName
        case beforeValue
        case quoted(Unicode.Scalar)
        case unquoted
        /// Inside `<style>`, `<title>` and `<textarea>`, where only the end tag counts; with what
        /// may be its beginning.
        case rawText(String)
    }

    private var state = State.text
    private var tag = ""
    private var attribute = ""
    private var url = URLPlace()

    init() {}

    /// Whether a document may end here.
    var isBetweenElements: Bool { state == .text }

    // MARK: - Literals

    mutating func advance(over text: String) throws(Refusal) {
        var offset = 0
        for scalar in text.unicodeScalars {
            do throws(Refusal) {
                try step(scalar)
            } catch {
                throw Refusal(offset: offset, detail: error.detail)
            }
            offset += 1
        }
    }

    private mutating func step(_ scalar: Unicode.Scalar) throws(Refusal) {
        switch state {
        case .text: if scalar == "<" { state = .tagOpen }
        case .tagOpen, .endTagOpen: openTag(scalar)
        case .declaration(let begin): declare(begin, scalar)
        case .comment(let dashes):
            if scalar == "-" {
                state = .comment(dashes: min(2, dashes + 1))
            } else {
                state = scalar == ">" && dashes == 2 ? .text : .comment(dashes: 0)
            }
        case .tagName(let isEnd): try nameTag(scalar, isEnd: isEnd)
        case .rawText(let begin): leaveRawText(begin, scalar)
        default: try stepInsideTag(scalar)
        }
    }

    private mutating func openTag(_ scalar: Unicode.Scalar) {
        let isEnd = state == .endTagOpen
        switch scalar {
        case "a"..."z", "A"..."Z":
            tag = Self.lowercased(scalar)
            state = .tagName(isEnd: isEnd)
        case "/" where !isEnd: state = .endTagOpen
        case "!" where !isEnd: state = .declaration("")
        // Browsers read both as comments up to the next ">".
        case "?": state = .declaration("?")
        case ">" where isEnd: state = .text
        case _ where isEnd: state = .declaration("?")
        case "<": state = .tagOpen
        default: state = .text
        }
    }

    private mutating func declare(_ begin: String, _ scalar: Unicode.Scalar) {
        if scalar == ">" {
            state = .text
        } else if begin == "", scalar == "-" {
            state = .declaration("-")
        } else if begin == "-", scalar == "-" {
            state = .comment(dashes: 0)
        } else {
            state = .declaration("?")
        }
    }

    private mutating func nameTag(
        _ scalar: Unicode.Scalar, isEnd: Bool
    ) throws(Refusal) {
        guard Self.isSpace(scalar) || scalar == "/" || scalar == ">" else {
            tag += Self.lowercased(scalar)
            return
        }
        guard !HTMLRules.refusedElements.contains(tag) else {
            throw Refusal(detail: "The element <\(tag)> is not allowed in a message.")
        }
        if isEnd { tag = "/" + tag }
        if scalar == ">" { closeTag() } else { state = .betweenAttributes }
    }

    private mutating func closeTag() {
        leaveValue()
        guard HTMLRules.rawTextElements.contains(tag) else { return leaveTag() }
        state = .rawText("")
    }

    /// What was read before does not matter any more: places compare equal.
    private mutating func leaveTag() {
        state = .text
        tag = ""
    }

    private mutating func leaveValue() {
        attribute = ""
        url = URLPlace()
    }

    private mutating func stepInsideTag(_ scalar: Unicode.Scalar) throws(Refusal) {
        switch state {
        case .betweenAttributes, .afterAttributeName:
            if Self.isSpace(scalar) || scalar == "/" { return }
            if scalar == ">" { return closeTag() }
            if scalar == "=", state == .afterAttributeName {
                state = .beforeValue
            } else {
                attribute = Self.lowercased(scalar)
                state = .attributeName
            }
        case .attributeName:
            if Self.isSpace(scalar) || scalar == "/" {
                state = .afterAttributeName
            } else if scalar == ">" {
                closeTag()
            } else if scalar == "=" {
                state = .beforeValue
            } else {
                attribute += Self.lowercased(scalar)
            }
        case .beforeValue:
            if Self.isSpace(scalar) { return }
            if scalar == ">" {
                closeTag()
            } else {
                let isQuote = scalar == "\"" || scalar == "'"
                state = isQuote ? .quoted(scalar) : .unquoted
            }
        case .quoted(let quote):
            if scalar == quote {
                state = .betweenAttributes
                leaveValue()
            } else if HTMLRules.isURL(attribute) {
                url.advance(over: scalar)
            }
        default:
            if Self.isSpace(scalar) {
                state = .betweenAttributes
                leaveValue()
            }
            if scalar == ">" { closeTag() }
        }
    }

    private mutating func leaveRawText(_ begin: String, _ scalar: Unicode.Scalar) {
        let end = "</\(tag)"
        if begin == end {
            if Self.isSpace(scalar) || scalar == "/" || scalar == ">" {
                tag = "/" + tag
                if scalar == ">" { closeTag() } else { state = .betweenAttributes }
                return
            }
        } else if end.hasPrefix(begin + Self.lowercased(scalar)) {
            state = .rawText(begin + Self.lowercased(scalar))
            return
        }
        state = .rawText(scalar == "<" ? "<" : "")
    }

    // MARK: - Values

    /// How a value at this place must be written; throws where none may stand.
    mutating func value() throws(Refusal) -> ValueEncoding {
        switch state {
        case .text: return .htmlText
        case .rawText where tag == "title" || tag == "textarea":
            state = .rawText("")
            return .htmlText
        case .rawText: throw Refusal(detail: "A variable may not stand inside <\(tag)>.")
        case .comment, .declaration:
            throw Refusal(detail: "A variable may not stand inside a comment.")
        case .quoted: return try attributeValue()
        case .beforeValue, .unquoted:
            throw Refusal(detail: "Put the attribute's value in quotes.")
        default:
            throw Refusal(detail: "A variable may stand in text and in quoted attributes only.")
        }
    }

    private mutating func attributeValue() throws(Refusal) -> ValueEncoding {
        if HTMLRules.isURL(attribute) {
            guard HTMLRules.mayHoldURL(tag, attribute) else {
                throw Refusal(
                    detail: "A variable may stand in href of <a> and src of <img> only.")
            }
            return try url.value(allowsMail: attribute == "href")
        }
        guard HTMLRules.isPlain(attribute) else {
            throw Refusal(
                detail: "A variable may not stand in the attribute '\(attribute.prefix(40))'.")
        }
        return .htmlAttribute
    }

    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        TemplateScanner.isSpace(scalar) || scalar == "\u{0C}"
    }

    private static func lowercased(_ scalar: Unicode.Scalar) -> String {
        ("A"..."Z").contains(scalar)
            ? String(Unicode.Scalar(UInt8(scalar.value + 32))) : String(scalar)
    }
}
