/// An address that a referral link may lead to: absolute, `https` (`http` on this machine only),
/// nothing hidden in it. As strict as browsers are lenient, so that all who read it agree.
struct DestinationURL: Sendable, Hashable {
    static let maximumLength = 2000

    let text: String
    /// In lower case; an IPv6 address in its brackets.
    let host: String

    /// Nil for anything else.
    init?(_ text: String) {
        guard text.utf8.count <= Self.maximumLength, Self.hasPlainCharacters(text) else {
            return nil
        }
        let isSecure = text.hasPrefix("https://")
        guard isSecure || text.hasPrefix("http://") else { return nil }
        let rest = text.dropFirst(isSecure ? 8 : 7)
        // Nobody but a deceiver puts a user's name before the host.
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@"), let host = Self.host(in: authority) else { return nil }
        guard isSecure || HostName.isLoopback(host) else { return nil }
        self.text = text
        self.host = host
    }

    /// What RFC 3986 allows in a URI without fragment, with whole percent-encodings.
    private static func hasPlainCharacters(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        let forbidden = Set("\"#<>\\^`{|}".utf8)
        for (index, byte) in bytes.enumerated() {
            guard (0x21...0x7E).contains(byte), !forbidden.contains(byte) else { return false }
            guard byte == UInt8(ascii: "%") else { continue }
            let digits = bytes[(index + 1)...].prefix(2)
            guard digits.count == 2,
                digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit })
            else { return false }
        }
        return true
    }

    private static func host(in authority: Substring) -> String? {
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            let host = String(authority[...end])
            return host == "[::1]" && isPort(authority[authority.index(after: end)...])
                ? host : nil
        }
        let name = authority.prefix { $0 != ":" }
        let host = String(name)
        return HostName.isValid(host) && isPort(authority[name.endIndex...]) ? host : nil
    }

    /// Nothing, or a colon and a port.
    private static func isPort(_ text: Substring) -> Bool {
        guard !text.isEmpty else { return true }
        let digits = text.dropFirst()
        guard text.first == ":", (1...5).contains(digits.count), digits.first != "0",
            digits.utf8.allSatisfy({ (48...57).contains($0) })
        else { return false }
        return Int(digits).map { (1...65_535).contains($0) } ?? false
    }
}

/// Names of hosts as campaigns write them: lower case, no port, international names as `xn--…`.
enum HostName {
    /// A DNS name, or an IPv4 address in four decimal parts.
    static func isValid(_ text: String) -> Bool {
        guard (1...253).contains(text.utf8.count) else { return false }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.allSatisfy(isLabel) else { return false }
        // Browsers take a name that ends in a number for an address, however it is written.
        guard let last = labels.last, last.utf8.allSatisfy({ (48...57).contains($0) }) else {
            return labels.last?.hasPrefix("0x") == false
        }
        return labels.count == 4
            && labels.allSatisfy { label in
                UInt8(label).map { "\($0)" == label } ?? false
            }
    }

    /// Whether the host is the machine itself.
    static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "[::1]" || (host.hasPrefix("127.") && isAddress(host))
    }

    private static func isAddress(_ host: String) -> Bool {
        isValid(host) && host.utf8.allSatisfy { $0 == UInt8(ascii: ".") || (48...57).contains($0) }
    }

    private static func isLabel(_ label: Substring) -> Bool {
        (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
            && label.utf8.allSatisfy {
                (97...122).contains($0) || (48...57).contains($0) || $0 == UInt8(ascii: "-")
            }
    }
}
