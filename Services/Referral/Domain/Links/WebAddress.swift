/// An absolute web address that every reader takes apart in the same way.
///
/// Browsers, servers and this parser must agree on the host, or an allow-list is a wish. So
/// whatever could be read in two ways is refused: credentials, backslashes, control characters,
/// spaces, other than ASCII, escapes in the host, a host that ends in a dot.
struct WebAddress: Sendable, Hashable {
    static let maximumLength = 2048

    let isSecure: Bool
    /// In lower case.
    let host: String
    /// Nil when the scheme's own.
    let port: Int?
    /// Everything after host and port, as written: path, query and fragment.
    let rest: String

    init?(_ text: String) {
        guard text.utf8.count <= Self.maximumLength, text.utf8.allSatisfy(Self.isAllowed),
            Self.hasWholeEscapes(text)
        else { return nil }
        let lowercased = text.prefix(8).lowercased()
        let afterScheme: Substring
        if lowercased.hasPrefix("https://") {
            (isSecure, afterScheme) = (true, text.dropFirst(8))
        } else if lowercased.hasPrefix("http://") {
            (isSecure, afterScheme) = (false, text.dropFirst(7))
        } else {
            return nil
        }
        let end = afterScheme.firstIndex { "/?#".contains($0) } ?? afterScheme.endIndex
        let authority = afterScheme[..<end]
        let name =
            authority.hasPrefix("[::1]") ? authority.prefix(5) : authority.prefix { $0 != ":" }
        guard name == "[::1]" || Self.isHost(name) else { return nil }
        host = name.lowercased()
        let place = authority[name.endIndex...]
        if place.isEmpty {
            port = nil
        } else {
            guard place.first == ":", let number = Self.port(place.dropFirst()) else { return nil }
            port = number == (isSecure ? 443 : 80) ? nil : number
        }
        rest = String(afterScheme[end...])
    }

    /// Whether the host is this machine itself, where trials run without certificates.
    var isLoopback: Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return host == "localhost" || host == "[::1]"
            || (parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil })
    }

    /// Whether scheme, host and port are the same.
    func hasOrigin(of other: WebAddress) -> Bool {
        isSecure == other.isSecure && host == other.host && port == other.port
    }

    /// The address with these parameters at the end of its query; any of the same names go.
    ///
    /// Names and values must need no escapes.
    func adding(_ parameters: [(name: String, value: String)]) -> String {
        let parts = rest.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        let target = parts[0].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = target[0].isEmpty ? "/" : String(target[0])
        var pairs: [String] = []
        if target.count == 2 {
            for pair in target[1].split(separator: "&", omittingEmptySubsequences: true)
            where !parameters.contains(where: { $0.name == pair.prefix { $0 != "=" } }) {
                pairs.append(String(pair))
            }
        }
        pairs += parameters.map { "\($0.name)=\($0.value)" }
        let query = pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")
        let fragment = parts.count == 2 ? "#\(parts[1])" : ""
        let place = port.map { ":\($0)" } ?? ""
        return "\(isSecure ? "https" : "http")://\(host)\(place)\(path)\(query)\(fragment)"
    }

    /// RFC 3986 §2: what may stand in an address at all.
    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "-._~:/?#[]@!$&'()*+,;=%".utf8.contains(byte)
        }
    }

    private static func hasWholeEscapes(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.indices.allSatisfy { index in
            bytes[index] != UInt8(ascii: "%")
                || (index + 2 < bytes.count && isHexDigit(bytes[index + 1])
                    && isHexDigit(bytes[index + 2]))
        }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...70).contains(byte) || (97...102).contains(byte)
    }

    /// Names and IPv4 addresses: labels of letters, digits and inner hyphens.
    private static func isHost(_ text: Substring) -> Bool {
        guard (1...253).contains(text.utf8.count) else { return false }
        return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy {
                    (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0)
                        || $0 == 45
                }
        }
    }

    private static func port(_ text: Substring) -> Int? {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }),
            let number = Int(text), (1...65_535).contains(number)
        else { return nil }
        return number
    }
}
