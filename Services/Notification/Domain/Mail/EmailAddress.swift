/// One e-mail address, of the plain kind that every server takes.
///
/// Source: RFC 5321 §4.1.2 (dot-string, domain), without quoted local parts, address literals and
/// non-ASCII; RFC 1035 §2.3.1 for the domain's labels.
struct EmailAddress: Sendable, Hashable, CustomStringConvertible {
    /// As written, the domain in lower case.
    let description: String
    let domain: String

    /// Nil for anything that is not exactly one address.
    init?(_ text: String) {
        guard (6...254).contains(text.utf8.count), let mark = text.firstIndex(of: "@") else {
            return nil
        }
        let local = text[..<mark]
        let domain = text[text.index(after: mark)...].lowercased()
        guard Self.isLocalPart(local), Self.isDomain(domain) else { return nil }
        description = "\(local)@\(domain)"
        self.domain = domain
    }

    /// An address that is known to be one.
    init(local: String, domain: String) {
        description = "\(local)@\(domain)"
        self.domain = domain
    }

    /// What two spellings of one mailbox have in common, for suppression.
    var normalised: String { description.lowercased() }

    private static func isLocalPart(_ text: Substring) -> Bool {
        guard (1...64).contains(text.utf8.count) else { return false }
        return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { atom in
            !atom.isEmpty
                && atom.utf8.allSatisfy { byte in
                    isLetterOrDigit(byte) || "!#$%&'*+-/=?^_`{|}~".utf8.contains(byte)
                }
        }
    }

    private static func isDomain(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        guard labels.count >= 2, text.utf8.count <= 253 else { return false }
        let areLabels = labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") }
        }
        // A last label of digits would be an IP address.
        return areLabels && labels.last?.utf8.contains { !(48...57).contains($0) } ?? false
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}

/// Whom mail comes from: `Shop <hello@shop.example>`.
struct MailSender: Sendable, Hashable {
    /// For trials; the domain is reserved for documentation.
    static let local = MailSender(
        name: "Grapevine",
        address: EmailAddress(local: "no-reply", domain: "grapevine.example"))

    let name: String
    let address: EmailAddress

    private init(name: String, address: EmailAddress) {
        self.name = name
        self.address = address
    }

    /// Reads `Name <address>` or an address alone; nil for anything else.
    init?(_ text: String) {
        guard !text.unicodeScalars.contains(where: ValueWriting.isControl) else { return nil }
        guard text.hasSuffix(">"), let open = text.lastIndex(of: "<") else {
            guard let address = EmailAddress(text) else { return nil }
            self.address = address
            name = ""
            return
        }
        let inside = text[text.index(after: open)...].dropLast()
        guard let address = EmailAddress(String(inside)) else { return nil }
        self.address = address
        var words = text[..<open]
        while words.last == " " { words.removeLast() }
        if words.count >= 2, words.first == "\"", words.last == "\"" {
            words = words.dropFirst().dropLast()
        }
        name = String(words)
    }
}
