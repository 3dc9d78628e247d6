import HTTPKit

/// What brought a visitor to the page that an event was sent from, from what the sender told and,
/// where it did not, from the page's address.
struct Visit {
    /// As the SDK writes them; empty when the sender told them itself, or there are none.
    private(set) var utm: [EncodedJSON.Member] = []
    private(set) var clickIDs: [EncodedJSON.Member] = []
    private(set) var channel: Channel?
    private var page: PageAddress?
    private var referrer: PageAddress?
    private let evidence: Channel.Evidence

    init(_ told: ToldContext) {
        let page = told.object("page", with: "?", "\"referrer\"")
        let postHog = told.object("posthog", with: "$current_url", "$referrer")
        let address = page?["url"]?.string ?? postHog?["$current_url"]?.string
        self.page = address.flatMap { PageAddress($0) }
        let before = page?["referrer"]?.string ?? postHog?["$referrer"]?.string
        referrer = before.flatMap { PageAddress($0) }
        var evidence = Channel.Evidence()
        if let utm = told.object("utm", with: "\"source\"", "\"medium\"") {
            evidence.source = utm["source"]?.string
            evidence.medium = utm["medium"]?.string
        } else if !told.has("utm") {
            utm = Self.campaign(told) ?? self.page?.utm ?? []
            evidence.source = Self.text("source", utm)
            evidence.medium = Self.text("medium", utm)
        }
        if told.has("click_ids") {
            let names = told.object("click_ids", with: "id")?.members.map(\.name) ?? []
            evidence.clickIDs = Set(names)
        } else {
            clickIDs = self.page?.clickIDs ?? []
            evidence.clickIDs = Set(clickIDs.map(\.name))
        }
        evidence.hasReferralLink = told.has("referral")
        evidence.referrer = referrer?.host
        evidence.host = self.page?.host
        self.evidence = evidence
        channel = Channel(evidence)
    }

    /// The touch as the SDK writes a first one, without its time; nil when nothing tells how the
    /// visitor came.
    var touch: [EncodedJSON.Member]? {
        guard channel != nil, !evidence.hasReferralLink else { return nil }
        var members: [EncodedJSON.Member] = []
        if let page { members.append(("landing_page", EncodedJSON(text: page.plain))) }
        if let referrer, referrer.host != page?.host {
            members.append(("referrer", EncodedJSON(text: referrer.plain)))
        }
        if !utm.isEmpty { members.append(("utm", EncodedJSON(object: utm))) }
        if !clickIDs.isEmpty { members.append(("click_ids", EncodedJSON(object: clickIDs))) }
        return members
    }

    /// Segment's word for UTM parameters.
    private static func campaign(_ told: ToldContext) -> [EncodedJSON.Member]? {
        guard let campaign = told.object("campaign", with: "\"source\"", "\"name\"") else {
            return nil
        }
        let members: [EncodedJSON.Member] = PageAddress.utm.compactMap { name in
            let text = campaign[name == "campaign" ? "name" : name]?.string
            guard let text, !text.isEmpty else { return nil }
            let kept = text.unicodeScalars.prefix(PageAddress.maximumLength)
            return (name, EncodedJSON(text: String(String.UnicodeScalarView(kept))))
        }
        return members.isEmpty ? nil : members
    }

    private static func text(_ name: String, _ members: [EncodedJSON.Member]) -> String? {
        members.first { $0.name == name }?.value.slice?.string
    }
}

extension Visit {
    /// The visit that was read last. Events of one page view tell the same of it, word for word.
    struct Memory {
        private var told: [EncodedJSON.Member] = []
        private var visit: Visit?

        mutating func visit(_ context: ToldContext) -> Visit {
            if let visit, ToldContext.isSame(context.members, told, in: Visit.sources) {
                return visit
            }
            let visit = Visit(context)
            told = context.members
            self.visit = visit
            return visit
        }
    }

    /// The members of a context that tell of the visit.
    static let sources: Set = [
        "page", "posthog", "utm", "campaign", "click_ids", "referral",
    ]
}
