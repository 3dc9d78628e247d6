import FoundationEssentials
import HTTPKit
import Kernel
import SecurityKit
import TestKit

/// The whole journey: A signs up, gets a link and shares it; B follows it, signs up and buys.
struct ReferralJourney: Sendable {
    /// The campaign that gives out links.
    let signUps: Journey
    /// The campaign that rewards both sides of an order.
    let orders: CampaignID

    private var tenant: Tenant { signUps.tenant }
    private var acknowledged: Acknowledged { signUps.acknowledged }

    static func begin(
        _ name: String, _ tenant: Tenant, _ acknowledged: Acknowledged
    ) async throws -> ReferralJourney {
        ReferralJourney(
            signUps: try await Journey.begin(name, tenant, acknowledged),
            orders: try await tenant.activate(CampaignBody.order(name), key: "\(name)-orders"))
    }

    /// One pair of people, to the order. What comes of it is waited for elsewhere.
    func play(_ name: String) async throws {
        let (a, b) = ("\(name)-a", "\(name)-b")
        try await signUps.signUp(a)
        let link = try await link(of: a)
        try await share(link.code, by: a)
        let click = try await follow(link.code)
        try await signUps.signUp(
            b, broughtBy: ["click_id": .string(click), "code": .string(link.code)])
        try await order("\(name)-order", by: b, broughtBy: a)
    }

    /// Waits until both sides of so many orders are rewarded.
    func waitForRewards(of count: Int, within limit: Duration = .seconds(90)) async throws {
        let path = "/v1/portal/rewards?campaign_id=\(orders)&status=fulfilled&limit=100"
        _ = try await tenant.server.wait(
            for: "the rewards of \(count) orders", at: path, within: limit
        ) { $0["data"]?.array?.count == 2 * count }
    }

    /// The link that a participant got.
    func link(of participant: String) async throws -> (code: String, url: String) {
        let id = ParticipantID.derived(client: tenant.clientID, externalID: participant)
        let path = "/v1/portal/links?campaign_id=\(signUps.campaignID)&participant_id=\(id)"
        let links = try await tenant.server.wait(for: "\(participant)'s link", at: path) {
            $0["data"]?.array?.count == 1
        }
        guard let link = links["data"]?.array?.first, let code = link["code"]?.string,
            let url = link["url"]?.string
        else { throw UnexpectedAnswer(answer: links, wanted: "a link") }
        return (code, url)
    }

    func share(_ code: String, by participant: String) async throws {
        let eventID = "shared-\(participant)"
        try await tenant.tell(
            .event(
                "referral_shared", of: participant, eventID: eventID,
                with: ["properties": ["code": .string(code), "channel": "email"]]),
            eventID: eventID, acknowledged)
    }

    /// Opens a link as a browser does, and returns the click's id.
    func follow(_ code: String) async throws -> String {
        let browser = Caller(
            http: tenant.server.http, complaints: tenant.server.complaints,
            baseURL: tenant.server.baseURL, credential: nil)
        let answer = try await browser.persist(
            .get, "/r/\(code)", headers: ["User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"]
        ).expecting(302)
        let location = answer.headers["Location"] ?? ""
        guard location.hasPrefix("https://shop.example/welcome?"),
            let click = location.firstMatch(of: /[?&]gv_click=(clk_[0-9a-z]+)/)
        else { throw UnexpectedAnswer(answer: answer, wanted: "the shop's page with a click") }
        return String(click.1)
    }

    /// An order of which three parties tell, each by an event of its own.
    func order(_ order: String, by buyer: String, broughtBy referrer: String) async throws {
        let moment = JSONValue.now
        for (teller, type) in [
            ("app", "purchase_completed"), ("shop", "purchase_completed"),
            ("payments", "referred_made_purchase"),
        ] {
            let eventID = "\(order)-\(teller)"
            try await tenant.tell(
                .event(
                    type, of: buyer, eventID: eventID, at: moment,
                    with: [
                        "subject": .string(order),
                        "properties": [
                            "order_id": .string(order),
                            "amount": ["units": "4990", "asset": "USD"],
                        ],
                    ]), eventID: eventID, acknowledged)
        }
        acknowledged.add(
            Acknowledged.Order(
                clientID: tenant.clientID, campaignID: orders, order: order, buyer: buyer,
                referrer: referrer))
    }
}
