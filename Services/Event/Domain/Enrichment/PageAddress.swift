import HTTPKit

/// An address of a page, taken apart as far as enrichment needs it.
struct PageAddress: Sendable {
    /// The longest address that is looked at, in bytes.
    static let maximumBytes = 4096
    /// The longest parameter that is kept, in characters.
    static let maximumLength = 200
    private static let maximumParameters = 100
    static let clickIDs = [
        "gclid", "gbraid", "wbraid", "dclid", "fbclid", "msclkid", "ttclid", "twclid", "li_fat_id",
    ]
    static let utm = ["source", "medium", "campaign", "term", "content"]

    /// In small letters, without `www.`.
    let host: String
    /// Without query and fragment, which can hold names and secrets.
    let plain: String
    private let parameters: [(name: String, value: String)]

    /// Nil for anything but an address with http or https.
    init?(_ text: String) {
        guard text.utf8.count <= Self.maximumBytes,
            ["https://", "http://"].contains(where: { text.lowercased().hasPrefix($0) }),
            let scheme = text.firstRange(of: "://")
        else { return nil }
        let end = text.firstIndex { $0 == "?" || $0 == "#" } ?? text.endIndex
        guard scheme.upperBound <= end else { return nil }
        let authority = text[scheme.upperBound..<end].prefix { $0 != "/" }
        // What is before an @ is a name and a password.
        let server = authority.split(separator: "@").last ?? ""
        let name = server.prefix { $0 != ":" }.lowercased()
        guard !name.isEmpty else { return nil }
        host = name.hasPrefix("www.") ? String(name.dropFirst(4)) : name
        let path = text[authority.endIndex..<end]
        plain = String((text[..<scheme.upperBound] + server + path).prefix(1000))
        let query = text[end...].prefix { $0 != "#" }.dropFirst()
        parameters = query.isEmpty ? [] : Self.parameters(of: query)
    }

    /// The parameters of a query without its `?`.
    static func parameters(of query: Substring) -> [(name: String, value: String)] {
        query.split(separator: "&").prefix(maximumParameters).compactMap { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[1].isEmpty,
                let value = PercentDecoding.decode(parts[1].utf8, plusIsSpace: true)?.text
            else { return nil }
            let shown = value.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 }
            let kept = String(String.UnicodeScalarView(shown.prefix(maximumLength)))
            return kept.isEmpty ? nil : (String(parts[0]), kept)
        }
    }

    /// The UTM parameters that are there, by the names without `utm_`.
    var utm: [EncodedJSON.Member] {
        parameters.isEmpty ? [] : Self.utm.compactMap { member($0, "utm_\($0)") }
    }

    /// The ad networks' click ids that are there.
    var clickIDs: [EncodedJSON.Member] {
        parameters.isEmpty ? [] : Self.clickIDs.compactMap { member($0, $0) }
    }

    private func member(_ name: String, _ parameter: String) -> EncodedJSON.Member? {
        parameters.first { $0.name == parameter }.map { (name, EncodedJSON(text: $0.value)) }
    }
}
