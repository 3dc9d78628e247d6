import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import Testing

@testable import EventService

@Suite struct EnricherTests {
    private let now = Timestamp(microseconds: 1_800_000_000_000_000)
    private let client = ClientID(UUID())
    private static let chrome =
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        + "Chrome/131.0.0.0 Safari/537.36"

    private func enricher(_ networks: String = "192.0.2.0/24,CH,Bern\n") throws -> Enricher {
        Enricher(
            hash: AddressHash(master: Array(repeating: 7, count: 32)),
            geo: try GeoTable(csv: Array(networks.utf8)),
            readAgent: { UserAgentReader.installed.read($0) })
    }

    /// The context of a native event with these members.
    private func context(
        _ members: String, trust: Trust = .browser, address: String? = "192.0.2.9",
        agent: String? = EnricherTests.chrome
    ) throws -> JSONValue {
        let text =
            #"{"event":"page_viewed","event_id":"e","occurred_at":"2027-01-15T07:00:00Z","#
            + #""anonymous_id":"a"\#(members.isEmpty ? "" : ",")\#(members)}"#
        let event = try IncomingEvent(
            try JSONSlice(parsing: Array(text.utf8)), SenderClock(receivedAt: now))
        return try document(of: event, trust: trust, address: address, agent: agent)
    }

    private func document(
        of event: IncomingEvent, trust: Trust, address: String?, agent: String?
    ) throws -> JSONValue {
        let enricher = try enricher()
        let origin =
            trust < .server ? EventOrigin(address: address, userAgent: agent) : EventOrigin()
        let context = IngestContext(
            clientID: client, trust: trust, receivedAt: now, traceparent: "t", origin: origin)
        var memory = Enricher.Memory()
        return try read(
            enricher.context(
                of: event, context, facts: enricher.facts(of: origin, client), memory: &memory),
            of: event)
    }

    private func read(_ context: StoredContext, of event: IncomingEvent) throws -> JSONValue {
        var bytes: [UInt8] = []
        context.append(to: &bytes, time: event.occurredAt.description)
        return try JSONCoding.parse(bytes)
    }

    @Test func `a browser's event gets a device, a country and a hash for its address`() throws {
        let context = try context("")
        let enriched = try #require(context["enriched"])
        #expect(enriched["browser"] == "Chrome")
        #expect(enriched["browser_version"] == "131.0.0")
        #expect(enriched["os"] == "Windows")
        #expect(enriched["device"] == "desktop")
        #expect(enriched["is_bot"] == false)
        #expect(enriched["country"] == "CH")
        #expect(enriched["region"] == "Bern")
        #expect(enriched["user_agent"] == .string(Self.chrome))
        #expect(enriched["address_hash"]?.string?.count == 32)
        #expect(enriched["network_hash"]?.string?.count == 32)
        let bytes = try JSONCoding.encode(context)
        #expect(!String(decoding: bytes, as: UTF8.self).contains("192.0.2"))
    }

    @Test func `of a server's event counts what the server tells, never its own address`() throws {
        let silent = try context("", trust: .server)
        #expect(silent == [:])
        let told = try context(
            #""ip":"192.0.2.9","user_agent":"\#(Self.chrome)""#, trust: .server)
        #expect(told.at("enriched.country") == "CH")
        #expect(told.at("enriched.browser") == "Chrome")
        let seen = try context("")
        #expect(told.at("enriched.address_hash") == seen.at("enriched.address_hash"))
        #expect(told["ip"] == nil, "the address itself goes no further")
        let forged = try context(#""ip":"198.51.100.1""#)
        #expect(
            forged.at("enriched.address_hash") == seen.at("enriched.address_hash"),
            "a browser cannot say where it is")
    }

    @Test func `nobody writes the service's findings but the service`() throws {
        let forged = try context(#""enriched":{"country":"US","is_bot":false},"x":1"#)
        #expect(forged.at("enriched.country") == "CH")
        #expect(forged["x"] == 1)
        let silent = try context(#""enriched":{"country":"US"}"#, trust: .server)
        #expect(silent["enriched"] == nil)
    }

    @Test func `campaign parameters are read from the page where the sender tells none`() throws {
        let page =
            #""page":{"url":"https://Shop.example/a?utm_source=news%20letter&utm_medium=email"#
            + #"&gclid=abc&secret=1#x","referrer":"https://www.google.com/search?q=shoes"}"#
        let read = try context(page)
        #expect(read["utm"] == ["source": "news letter", "medium": "email"])
        #expect(read["click_ids"] == ["gclid": "abc"])
        #expect(read.at("enriched.channel") == "email")
        #expect(
            read["first_touch"] == [
                "at": "2027-01-15T07:00:00.000Z", "landing_page": "https://Shop.example/a",
                "referrer": "https://www.google.com/search",
                "utm": ["source": "news letter", "medium": "email"],
                "click_ids": ["gclid": "abc"],
            ])
        #expect(
            read.at("enriched.filled")?.array == ["utm", "click_ids", "first_touch", "session_id"])
        let told = try context(
            page + #","utm":{"source":"x"},"click_ids":{},"first_touch":{"at":"t"}"#)
        #expect(told["utm"] == ["source": "x"])
        #expect(told["click_ids"] == [:])
        #expect(told["first_touch"] == ["at": "t"])
    }

    @Test func `a session is the sender's, else one visitor's day`() throws {
        let told = try context(#""session_id":"s-1""#)
        #expect(told["session_id"] == "s-1")
        #expect(told.at("enriched.filled") == nil)
        let segment = try context(#""sessionId":"s-2""#)
        #expect(segment["session_id"] == "s-2")
        let first = try context("")
        let second = try context(#""x":1"#)
        #expect(first["session_id"]?.string?.count == 32)
        #expect(first["session_id"] == second["session_id"])
        let server = try context("", trust: .server)
        #expect(server["session_id"] == nil, "a server's event is part of no visit")
    }

    @Test func `other tools' words for the same are understood`() throws {
        let translation = PostHogTranslation(receivedAt: now)
        let slice = try JSONSlice(
            parsing: Array(
                #"""
                {"event":"$pageview","uuid":"u","distinct_id":"d","properties":{
                "$current_url":"https://shop.example/?utm_source=x","$session_id":"ph-1",
                "$ip":"192.0.2.9","$raw_user_agent":"\#(Self.chrome)"}}
                """#.utf8))
        guard case .event(let event) = translation.read(slice) else {
            Issue.record("the event is refused")
            return
        }
        let context = try document(of: event, trust: .server, address: nil, agent: nil)
        #expect(context["session_id"] == "ph-1")
        #expect(context["utm"] == ["source": "x"])
        #expect(context.at("enriched.country") == "CH")
        #expect(context.at("enriched.os") == "Windows")
        let bytes = try JSONCoding.encode(context)
        #expect(!String(decoding: bytes, as: UTF8.self).contains("192.0.2"))
        let segment = try self.context(
            #""campaign":{"source":"paper","medium":"cpc","name":"spring","extra":1}"#)
        #expect(segment["utm"] == ["source": "paper", "medium": "cpc", "campaign": "spring"])
        #expect(segment.at("enriched.channel") == "paid_search")
    }

    @Test func `a bot is flagged by name`() throws {
        let agent = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
        let context = try context("", agent: agent)
        #expect(context.at("enriched.is_bot") == true)
        #expect(context.at("enriched.bot")?.string?.contains("googlebot") == true)
    }

    @Test(arguments: [
        (Channel.Evidence(source: "google", medium: "cpc"), Channel.paidSearch),
        (Channel.Evidence(source: "Facebook", medium: "paid"), .paidSocial),
        (Channel.Evidence(clickIDs: ["gclid"]), .paidSearch),
        (Channel.Evidence(clickIDs: ["fbclid"]), .social),
        (Channel.Evidence(source: "partner"), .campaign),
        (Channel.Evidence(medium: "newsletter"), .email),
        (Channel.Evidence(referrer: "google.co.uk", host: "shop.example"), .organicSearch),
        (Channel.Evidence(referrer: "l.facebook.com", host: "shop.example"), .social),
        (Channel.Evidence(referrer: "t.co", host: "shop.example"), .social),
        (Channel.Evidence(referrer: "blog.example", host: "shop.example"), .referral),
        (Channel.Evidence(referrer: "shop.example", host: "shop.example"), nil),
        (Channel.Evidence(hasReferralLink: true, referrer: "t.co"), .program),
        (Channel.Evidence(), nil),
    ])
    func `how somebody came is one of a few channels`(
        _ evidence: Channel.Evidence, _ channel: Channel?
    ) {
        #expect(Channel(evidence) == channel)
    }

    @Test(arguments: [
        "", "ftp://a/b", "https://", "https://?x=1", "//a",
        String(repeating: "https://a/", count: 999),
    ])
    func `what is no page's address tells nothing`(_ text: String) {
        #expect(PageAddress(text) == nil)
    }

    @Test func `of a page's address no password and no broken parameter is kept`() throws {
        let page = try #require(
            PageAddress("https://me:word@www.shop.example:8443/a?utm_source=%zz&utm_medium=a+b"))
        #expect(page.plain == "https://www.shop.example:8443/a")
        #expect(page.host == "shop.example")
        #expect(page.utm.map(\.name) == ["medium"])
        let long = try #require(
            PageAddress("https://a/?utm_source=" + String(repeating: "x", count: 1000)))
        #expect(long.utm.first?.value.bytes.count == PageAddress.maximumLength + 2)
    }
}
