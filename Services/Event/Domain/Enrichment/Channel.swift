/// The way by which a visitor came, as reports group it.
enum Channel: String, Sendable {
    case paidSearch = "paid_search"
    case paidSocial = "paid_social"
    case display, email, sms, affiliate, social, referral
    case organicSearch = "organic_search"
    /// By a link of this platform.
    case program = "referral_program"
    /// A campaign that says no more of itself.
    case campaign

    /// What is known of how somebody came.
    struct Evidence: Sendable {
        var source: String?
        var medium: String?
        var clickIDs: Set<String> = []
        var hasReferralLink = false
        /// The host of the page before, and of the page itself.
        var referrer: String?
        var host: String?
    }

    private static let search = [
        "google", "bing", "duckduckgo", "yahoo", "baidu", "yandex", "ecosia", "qwant", "startpage",
        "brave", "naver", "seznam", "sogou", "ask",
    ]
    private static let networks = [
        "facebook", "instagram", "threads", "twitter", "x", "t", "linkedin", "lnkd", "reddit",
        "pinterest", "tiktok", "youtube", "snapchat", "vk", "weibo", "whatsapp", "telegram",
        "discord", "mastodon", "bsky", "fb", "ig", "meta",
    ]

    /// Nil when nothing tells: somebody who typed the address, or who was there before.
    init?(_ evidence: Evidence) {
        let source = evidence.source?.lowercased() ?? ""
        let medium = evidence.medium?.lowercased() ?? ""
        let isSocial = Self.networks.contains(source)
        if evidence.hasReferralLink {
            self = .program
        } else if let known = Self.byMedium(medium, isSocial: isSocial) {
            self = known
        } else if !evidence.clickIDs.isDisjoint(with: ["gclid", "gbraid", "wbraid", "msclkid"]) {
            self = .paidSearch
        } else if evidence.clickIDs.contains("dclid") {
            self = .display
        } else if !evidence.clickIDs.isDisjoint(with: ["ttclid", "twclid", "li_fat_id"]) {
            self = .paidSocial
        } else if isSocial || evidence.clickIDs.contains("fbclid") {
            self = .social
        } else if !source.isEmpty || !medium.isEmpty {
            self = .campaign
        } else if let referrer = evidence.referrer, referrer != evidence.host {
            let names = referrer.split(separator: ".").map(String.init)
            if names.dropLast().contains(where: Self.search.contains) {
                self = .organicSearch
            } else if ["t.co", "lnkd.in", "x.com"].contains(referrer)
                || names.dropLast().contains(where: { $0.count > 2 && Self.networks.contains($0) })
            {
                self = .social
            } else {
                self = .referral
            }
        } else {
            return nil
        }
    }

    private static func byMedium(_ medium: String, isSocial: Bool) -> Channel? {
        switch medium {
        case "cpc", "ppc", "paid", "paidsearch", "paid_search", "paid-search":
            isSocial ? .paidSocial : .paidSearch
        case "paidsocial", "paid_social", "paid-social": .paidSocial
        case "display", "banner", "cpm", "interstitial": .display
        case "email", "e-mail", "newsletter": .email
        case "sms": .sms
        case "affiliate", "affiliates": .affiliate
        case "social", "social-network", "social_network", "sm": .social
        case "referral": .referral
        case "organic": .organicSearch
        default: nil
        }
    }
}
