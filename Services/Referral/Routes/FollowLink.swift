import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import SecurityKit
import ServiceKit

/// `GET /r/{code}`: records the click and sends the visitor on to the campaign's destination.
///
/// A link that is known always leads somewhere while its campaign has a destination. Only a
/// person's visit while the campaign runs is a click; a click that cannot be recorded is answered
/// with 503, so that none is lost without a word.
struct FollowLink: Sendable {
    static let cookieName = "gv_click"
    static let codeName = "gv_code"
    /// Browsers keep no cookie longer.
    private static let maximumCookieSeconds = 400 * 86_400

    let links: LinkStore
    let clicks: ClickStore
    let definitions: DefinitionCache
    let limits: VisitLimits
    let hash: KeyedHash
    let world: World
    /// Whether visitors come over https, so that the cookie may say `Secure`.
    let isSecure: Bool

    func respond(_ request: HTTPRequest) async throws -> HTTPResponse {
        let address = hash.address(request.remoteAddress)
        try await limits.visit(by: address)
        guard let code = ReferralCode(try request.pathParameters.string("code")),
            let visited = try await links.visit(code)
        else { return try await refuse(address) }
        let link = visited.link
        let campaign = try await definitions.definition(
            link.campaignID, revision: visited.campaignRevision, of: link.clientID)
        guard let destinations = Destinations(campaign.referral) else {
            return try await refuse(address)
        }
        let destination = try Self.destination(request.query, destinations)
        let now = world.clock.now() + visited.businessOffset
        guard visited.isOpen(campaign, at: now) else {
            return Self.redirect(to: destination.adding([]))
        }
        let codeParameter = (name: Self.codeName, value: link.code)
        guard Self.counts(request) else {
            return Self.redirect(to: destination.adding([codeParameter]))
        }
        let clickID = world.ids.next(ClickID.self)
        let target = destination.adding([(Self.cookieName, clickID.description), codeParameter])
        try await clicks.record(
            NewClick(
                clickID: clickID, link: link, clickedAt: now,
                userAgentHash: hash.userAgent(request.headers["User-Agent"]),
                addressHash: address, destination: target))
        var response = Self.redirect(to: target)
        response.headers.add(
            "Set-Cookie", cookie(clickID, seconds: campaign.attributionWindowSeconds))
        return response
    }

    private func refuse(_ address: [UInt8]) async throws -> HTTPResponse {
        try await limits.unknownCode(by: address)
        throw ReferralFailure.linkUnknown
    }

    private static func destination(
        _ query: QueryParameters, _ destinations: Destinations
    ) throws(ReferralFailure) -> WebAddress {
        let asked = query.values("to")
        guard let text = asked.first else { return destinations.standard }
        guard asked.count == 1, let chosen = destinations.chosen(text) else {
            throw .destinationNotAllowed
        }
        return chosen
    }

    private static func counts(_ request: HTTPRequest) -> Bool {
        ClickScreening.counts(
            isHead: request.method == .head, userAgent: request.headers["User-Agent"],
            purposes: ["Purpose", "Sec-Purpose", "X-Moz"].flatMap { request.headers.values($0) })
    }

    private static func redirect(to target: String) -> HTTPResponse {
        HTTPResponse(
            status: 302,
            headers: [
                "Location": target, "Cache-Control": "no-store",
                "Referrer-Policy": "strict-origin-when-cross-origin", "X-Robots-Tag": "noindex",
            ])
    }

    private func cookie(_ clickID: ClickID, seconds: Int) -> String {
        let age = min(max(0, seconds), Self.maximumCookieSeconds)
        let secure = isSecure ? "; Secure" : ""
        return "\(Self.cookieName)=\(clickID); Path=/; Max-Age=\(age); SameSite=Lax; HttpOnly"
            + secure
    }
}

extension VisitedLink {
    /// Whether a click counts: the client is active, the campaign runs and is in its period.
    func isOpen(_ campaign: CampaignDefinition, at now: Timestamp) -> Bool {
        clientStatus == .active && campaignStatus == .active
            && (campaign.startsAt.map { $0 <= now } ?? true)
            && (campaign.endsAt.map { now < $0 } ?? true)
    }
}

/// How often one address may visit links. The counters know addresses by their hash only.
struct VisitLimits: Sendable {
    /// Visitors belong to no client before their link is known.
    private static let scope = ClientID(.zero)

    private let limiter: RateLimiter
    private let visits: RateLimitPolicy
    private let unknownCodes: RateLimitPolicy

    init(_ limiter: RateLimiter, _ configuration: ReferralConfiguration) {
        self.limiter = limiter
        visits = RateLimitPolicy(
            "link_visits", limit: configuration.clicksPerMinute, per: .seconds(60))
        unknownCodes = RateLimitPolicy(
            "unknown_codes", limit: configuration.unknownCodesPerMinute, per: .seconds(60))
    }

    /// Throws 429 when the address visits too often.
    func visit(by address: [UInt8]) async throws {
        try await enforce(visits, address)
    }

    /// Throws 429 when the address tries codes that nobody has.
    func unknownCode(by address: [UInt8]) async throws {
        try await enforce(unknownCodes, address)
    }

    private func enforce(_ policy: RateLimitPolicy, _ address: [UInt8]) async throws {
        let name = Hex.encode(Array(address.prefix(16)))
        try await limiter.enforce([RateLimitSubject(policy, name)], scope: Self.scope)
    }
}
