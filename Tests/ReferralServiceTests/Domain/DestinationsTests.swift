import Contracts
import Testing

@testable import ReferralService

@Suite struct DestinationsTests {
    private let policy = ReferralPolicy(
        destinationURL: "https://shop.example/start",
        allowedHosts: ["Blog.Example", "x.shop.example"])

    @Test(arguments: [
        "https://shop.example", "https://shop.example/", "https://shop.example/a/b?c=d&e=%20#f",
        "HTTPS://SHOP.EXAMPLE/a", "https://shop.example:443/a", "https://blog.example/post",
        "https://x.shop.example//double//slash", "https://shop.example/?next=//evil.example",
        "https://shop.example/%0d%0aSet-Cookie:x", "https://shop.example/@evil.example",
        "https://shop.example?x=https://evil.example/",
    ])
    func `a page of an allowed host may be chosen`(_ text: String) throws {
        let destinations = try #require(Destinations(policy))
        #expect(destinations.chosen(text) != nil)
    }

    @Test(arguments: [
        // Another host, or one that only looks like an allowed one.
        "https://evil.example/", "https://shop.example.evil.example/", "https://evilshop.example/",
        "https://a.shop.example/", "https://shop.example./", "https://shop.example.:443/",
        "https://xn--shop-example.evil/", "https://shop.examp1e/",
        // Credentials: what stands before @ is not the host.
        "https://shop.example@evil.example/", "https://shop.example:443@evil.example/",
        "https://user:pass@shop.example/", "https://@shop.example/",
        "https://evil.example\\@shop.example/", "https://shop.example%40evil.example/",
        // Backslashes, which browsers read as slashes.
        "https:\\\\evil.example/", "https://evil.example\\.shop.example/",
        "https://shop.example\\@evil.example", "https:/\\evil.example", "/\\evil.example",
        // Without or with another scheme.
        "//evil.example/", "//shop.example/", "/path", "shop.example", "", "https:", "https://",
        "https:///shop.example/", "https:/shop.example/", "https:shop.example/",
        "javascript:alert(1)", "data:text/html,x", "http://shop.example/", "ftp://shop.example/",
        "file:///etc/passwd", " https://shop.example/", "https ://shop.example/",
        // Ports of other services.
        "https://shop.example:8443/", "https://shop.example:22/", "https://shop.example:0443x/",
        "https://shop.example:/", "https://shop.example:99999/", "https://shop.example:-1/",
        // Control characters, white space, other alphabets.
        "https://shop.example/\r\nSet-Cookie: a=b", "https://shop.example/\t",
        "https://shop.example\u{0}.evil.example/", "https://shop.example/ x",
        "https://shop。example/",
        "https://ѕhop.example/", "https://shop.example/é", "https://shop\u{AD}.example/",
        "https://shop.example\u{2028}/",
        // Escapes in the host, broken escapes anywhere.
        "https://shop%2eexample/", "https://shop.example%2f.evil.example/",
        "https://shop.example%00/", "https://shop.example/%", "https://shop.example/%zz",
        // Addresses in brackets and quotes.
        "https://[::1]/", "https://[shop.example]/", "https://shop.example/\"onload=\"x",
        "https://shop.example/<script>", "https://shop.example/`", "https://shop.example/{x}",
    ])
    func `anything else is refused`(_ text: String) throws {
        let destinations = try #require(Destinations(policy))
        #expect(destinations.chosen(text) == nil)
    }

    @Test func `an address that is too long is refused`() throws {
        let destinations = try #require(Destinations(policy))
        #expect(
            destinations.chosen("https://shop.example/" + String(repeating: "a", count: 2048))
                == nil)
    }

    @Test func `on this machine itself any page of the same origin may be chosen`() throws {
        let local = try #require(
            Destinations(ReferralPolicy(destinationURL: "http://127.0.0.1:3000/start")))
        #expect(local.chosen("http://127.0.0.1:3000/other") != nil)
        #expect(local.chosen("http://127.0.0.1:3001/other") == nil)
        #expect(local.chosen("http://localhost:3000/other") == nil)
        #expect(local.chosen("https://127.0.0.1:3000/other") == nil)
        #expect(Destinations(ReferralPolicy(destinationURL: "http://[::1]:3000/start")) != nil)
        #expect(Destinations(ReferralPolicy(destinationURL: "http://[::1]x/start")) == nil)
    }

    @Test(arguments: [
        nil, "", "http://shop.example/", "javascript:x", "shop.example",
        "https://a@b/", "http://127.0.0.1.evil.example/",
    ])
    func `a campaign with no usable destination leads nowhere`(_ text: String?) {
        #expect(Destinations(ReferralPolicy(destinationURL: text)) == nil)
        #expect(Destinations(nil) == nil)
    }

    @Test(arguments: [
        ("https://shop.example", "https://shop.example/?a=1&b=2"),
        ("https://shop.example/", "https://shop.example/?a=1&b=2"),
        ("https://shop.example/p?", "https://shop.example/p?a=1&b=2"),
        ("https://shop.example/p?x=y", "https://shop.example/p?x=y&a=1&b=2"),
        ("https://shop.example/p#here", "https://shop.example/p?a=1&b=2#here"),
        ("https://shop.example?x#y?z", "https://shop.example/?x&a=1&b=2#y?z"),
        ("https://shop.example/p?a=9&x=%26&a", "https://shop.example/p?x=%26&a=1&b=2"),
        ("https://shop.example/p#", "https://shop.example/p?a=1&b=2#"),
        ("http://localhost:3000/p", "http://localhost:3000/p?a=1&b=2"),
    ])
    func `parameters are added to what is there`(_ text: String, _ expected: String) throws {
        let address = try #require(WebAddress(text))
        #expect(address.adding([("a", "1"), ("b", "2")]) == expected)
    }
}
