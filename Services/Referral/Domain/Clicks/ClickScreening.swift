/// Tells people's visits from those of programs that only look at a link.
///
/// It knows what announces itself: crawlers, previews of messengers, mail scanners, monitors. A
/// program that pretends to be a browser is not found here; limits and the checks of a conversion
/// stand behind it.
enum ClickScreening {
    private static let signs = [
        "bot", "crawl", "spider", "slurp", "preview", "facebookexternalhit", "whatsapp", "embedly",
        "quora link", "pinterest/", "vkshare", "w3c_validator", "lighthouse", "pingdom", "uptime",
        "monitor", "scrapy", "feedfetcher", "proofpoint", "mimecast", "barracuda",
    ]

    /// Whether a visit is a person's click, as far as it can be told.
    ///
    /// - Parameter purposes: what `Purpose`, `Sec-Purpose` and `X-Moz` say.
    static func counts(isHead: Bool, userAgent: String?, purposes: [String]) -> Bool {
        guard !isHead else { return false }
        let isAhead = purposes.contains { purpose in
            let purpose = purpose.lowercased()
            return ["prefetch", "preview", "prerender"].contains { purpose.contains($0) }
        }
        guard !isAhead, let agent = userAgent?.lowercased() else { return !isAhead }
        return !signs.contains { agent.contains($0) }
    }
}
