/// Which elements and attributes a message may use, and which a variable may fill.
enum HTMLRules {
    /// Elements in which browsers read on by rules of their own, or that run or load something.
    static let refusedElements: Set<String> = [
        "script", "noscript", "iframe", "frame", "frameset", "noframes", "object", "embed",
        "noembed", "applet", "plaintext", "xmp", "listing", "svg", "math", "template", "base",
        "form", "select", "option",
    ]

    /// Elements whose content is text up to their end tag.
    static let rawTextElements: Set<String> = ["style", "title", "textarea"]

    private static let plainAttributes: Set<String> = [
        "abbr", "align", "alt", "bgcolor", "border", "cellpadding", "cellspacing", "class",
        "color", "colspan", "datetime", "dir", "height", "id", "label", "lang", "name", "role",
        "rowspan", "scope", "title", "valign", "width",
    ]

    static func isPlain(_ attribute: String) -> Bool {
        plainAttributes.contains(attribute) || attribute.hasPrefix("aria-")
            || attribute.hasPrefix("data-")
    }

    /// Whether the attribute's value is a URL.
    static func isURL(_ attribute: String) -> Bool { attribute == "href" || attribute == "src" }

    static func mayHoldURL(_ tag: String, _ attribute: String) -> Bool {
        attribute == "href" ? tag == "a" || tag == "area" : tag == "img"
    }
}

/// How far the URL of an attribute has come.
struct URLPlace: Equatable {
    private enum Stage: Equatable {
        /// Only this was written, which does not yet decide where the URL leads.
        case beginning(String)
        /// Scheme and host are decided.
        case decided
    }

    private var stage = Stage.beginning("")

    mutating func advance(over scalar: Unicode.Scalar) {
        guard case .beginning(var text) = stage else { return }
        text.unicodeScalars.append(scalar)
        // Longer beginnings decide nothing any more.
        stage = Self.isDecided(text) ? .decided : .beginning(String(text.prefix(300)))
    }

    mutating func value(allowsMail: Bool) throws(HTMLPlace.Refusal) -> ValueEncoding {
        switch stage {
        case .decided: return .urlPart
        case .beginning(""):
            stage = .decided
            return .url(allowsMail: allowsMail)
        case .beginning:
            throw HTMLPlace.Refusal(
                detail: "A variable may be a URL's beginning, or stand behind its host "
                    + "(https://shop.example/…) or behind mailto:.")
        }
    }

    private static func isDecided(_ text: String) -> Bool {
        let lower = text.lowercased()
        if lower.hasPrefix("mailto:") { return true }
        guard let scheme = ["https://", "http://"].first(where: { lower.hasPrefix($0) }) else {
            return false
        }
        let rest = lower.dropFirst(scheme.count)
        guard let end = rest.firstIndex(where: { "/?#".contains($0) }) else { return false }
        let host = rest[..<end]
        return !host.isEmpty && host.allSatisfy { $0.isASCII && !"\\@&%".contains($0) }
    }
}
