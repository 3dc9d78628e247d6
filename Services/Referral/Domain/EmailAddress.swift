/// A mailbox, however its owner likes to write it.
struct EmailAddress: Sendable, Hashable {
    /// In lower case, without what the provider ignores.
    let mailbox: String

    /// Nil for what is no address.
    init?(_ text: String) {
        let trimmed = String(
            text.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }
                .reversed()
        ).lowercased()
        guard (3...320).contains(trimmed.utf8.count),
            !trimmed.unicodeScalars.contains(where: { $0.value <= 0x20 || $0.value == 0x7F }),
            let at = trimmed.lastIndex(of: "@"), at != trimmed.startIndex
        else { return nil }
        var domain = String(trimmed[trimmed.index(after: at)...])
        // What follows a plus only sorts the owner's mail, nearly everywhere.
        var local = String(trimmed[..<at].prefix { $0 != "+" })
        if domain == "googlemail.com" { domain = "gmail.com" }
        if domain == "gmail.com" { local.removeAll { $0 == "." } }
        guard !domain.isEmpty, !local.isEmpty else { return nil }
        mailbox = "\(local)@\(domain)"
    }
}
