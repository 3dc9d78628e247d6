import HTTPKit

/// An address of a page, taken apart as far as enrichment needs it.
struct PageAddress: Sendable {
    /// The longest address that is looked at, in bytes.
    static let maximumBytes = 4096
    /// The longest parameter that is kept, in characters.
    static let maximumLength = 200
    private static let maximumPlainLength = 1000
    private static let maximumParameters = 100
    private static let schemes = [Array("https://".utf8), Array("http://".utf8)]
    static let clickIDs = [
        "gclid", "gbraid", "wbraid", "dclid", "fbclid", "msclkid", "ttclid", "twclid", "li_fat_id",
    ]
    static let utm = ["source", "medium", "campaign", "term", "content"]

    /// In small letters, without `www.`.
    let host: String
    /// Without query and fragment, which can hold names and secrets.
    let plain: String
    /// Only those that are of interest, in their order.
    private let parameters: [(name: String, value: String)]

    /// Nil for anything but an address with http or https.
    init?(_ text: String) {
        guard text.utf8.count <= Self.maximumBytes else { return nil }
        let bytes = Array(text.utf8)
        guard let scheme = Self.schemes.first(where: { Self.begins(bytes, with: $0) }) else {
            return nil
        }
        let rest = bytes[scheme.count...]
        let head = rest.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
        let authority = head.prefix { $0 != UInt8(ascii: "/") }
        // What is before an @ is a name and a password.
        let at = authority.lastIndex(of: UInt8(ascii: "@")).map { $0 + 1 }
        let server = authority[(at ?? authority.startIndex)...]
        let name = server.prefix { $0 != UInt8(ascii: ":") }
        guard !name.isEmpty else { return nil }
        let host = String(decoding: name, as: UTF8.self).lowercased()
        self.host = host.hasPrefix("www.") ? String(host.dropFirst(4)) : host
        let path = head[authority.endIndex...]
        let plain = String(decoding: bytes[..<scheme.count] + server + path, as: UTF8.self)
        self.plain = String(plain.prefix(Self.maximumPlainLength))
        let query = bytes[head.endIndex...].prefix { $0 != UInt8(ascii: "#") }.dropFirst()
        parameters = query.isEmpty ? [] : Self.parameters(of: query)
    }

    private static func begins(_ bytes: [UInt8], with scheme: [UInt8]) -> Bool {
        guard bytes.count > scheme.count else { return false }
        for (byte, wanted) in zip(bytes, scheme) {
            let isCapital = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            if (isCapital ? byte | 0x20 : byte) != wanted { return false }
        }
        return true
    }

    /// The parameters of interest in a query without its `?`.
    static func parameters(of query: ArraySlice<UInt8>) -> [(name: String, value: String)] {
        var parameters: [(name: String, value: String)] = []
        for pair in query.split(separator: UInt8(ascii: "&")).prefix(maximumParameters) {
            guard let equals = pair.firstIndex(of: UInt8(ascii: "=")), equals < pair.endIndex - 1
            else { continue }
            let name = String(decoding: pair[..<equals], as: UTF8.self)
            guard name.hasPrefix("utm_") || clickIDs.contains(name),
                let value = PercentDecoding.decode(pair[(equals + 1)...], plusIsSpace: true)?.text
            else { continue }
            let shown = value.unicodeScalars.filter { $0.value >= 32 && $0.value != 127 }
            let kept = String(String.UnicodeScalarView(shown.prefix(maximumLength)))
            if !kept.isEmpty { parameters.append((name, kept)) }
        }
        return parameters
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
