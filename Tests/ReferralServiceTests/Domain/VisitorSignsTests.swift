import FoundationEssentials
import Kernel
import Testing

@testable import ReferralService

@Suite struct VisitorSignsTests {
    @Test(arguments: [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "facebookexternalhit/1.1", "Slackbot-LinkExpanding 1.0", "WhatsApp/2.23", "Twitterbot/1.0",
        "TelegramBot (like TwitterBot)", "Mozilla/5.0 (compatible; bingbot/2.0)", "AhrefsBot/7.0",
    ])
    func `a program that looks at links is no visitor`(_ agent: String) {
        #expect(!ClickScreening.counts(isHead: false, userAgent: agent, purposes: []))
    }

    @Test func `a browser counts, unless it only looks ahead`() {
        let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
        #expect(ClickScreening.counts(isHead: false, userAgent: agent, purposes: []))
        #expect(ClickScreening.counts(isHead: false, userAgent: nil, purposes: []))
        #expect(!ClickScreening.counts(isHead: true, userAgent: agent, purposes: []))
        for purpose in ["prefetch", "prefetch;prerender", "preview", "Prefetch"] {
            #expect(!ClickScreening.counts(isHead: false, userAgent: agent, purposes: [purpose]))
        }
    }

    @Test(arguments: [
        ("Ann@Example.com", "ann@example.com"), (" ann@example.com\n", "ann@example.com"),
        ("ann+shop@example.com", "ann@example.com"), ("a.n.n@gmail.com", "ann@gmail.com"),
        ("A.nn+x@googlemail.com", "ann@gmail.com"), ("a.nn@example.com", "a.nn@example.com"),
        ("\"a@b\"@example.com", "\"a@b\"@example.com"),
    ])
    func `one mailbox has one form`(_ text: String, _ mailbox: String) {
        #expect(EmailAddress(text)?.mailbox == mailbox)
    }

    @Test(arguments: [
        "", "ann", "@example.com", "ann@", "+x@example.com", "a b@c.de", "a\u{0}@b.c",
    ])
    func `what is no address has none`(_ text: String) {
        #expect(EmailAddress(text) == nil)
    }

    @Test func `hashes differ by key, client and what they are of`() throws {
        let email = try #require(EmailAddress("ann@example.com"))
        let (one, two) = (ClientID(UUID()), ClientID(UUID()))
        let hash = KeyedHash(secret: Array("one".utf8))
        let other = KeyedHash(secret: Array("two".utf8))
        #expect(hash.email(email, of: one) == hash.email(email, of: one))
        #expect(hash.email(email, of: one) != hash.email(email, of: two))
        #expect(hash.email(email, of: one) != other.email(email, of: one))
        #expect(hash.address("192.0.2.1") != hash.userAgent("192.0.2.1"))
    }
}
