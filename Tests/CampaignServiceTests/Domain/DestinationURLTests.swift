import Testing

@testable import CampaignService

@Suite struct DestinationURLTests {
    @Test(arguments: [
        ("https://shop.example", "shop.example"),
        ("https://shop.example/", "shop.example"),
        ("https://shop.example?from=a%20b", "shop.example"),
        ("https://shop.example:8443/a/b;c?x=1&y=/@", "shop.example"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("https://192.0.2.7/", "192.0.2.7"),
        ("http://127.0.0.1:8080/landing", "127.0.0.1"),
        ("http://localhost:3000/", "localhost"),
        ("http://[::1]:8080/", "[::1]"),
    ])
    func `an absolute address is read with its host`(text: String, host: String) throws {
        #expect(try #require(DestinationURL(text)).host == host)
    }

    @Test(arguments: [
        "", "shop.example", "//shop.example/", "/landing", "javascript:alert(1)",
        "ftp://a.example/",
        "HTTPS://shop.example/", "https:/shop.example/", "https:///shop.example",
        "https://", "https://?a", "https://:443/", "https://shop.example:/",
        "https://shop.example:0/", "https://shop.example:65536/", "https://shop.example:8a/",
        "https://shop.example:443:1/", "https://user@shop.example/",
        "https://user:pw@shop.example/",
        "https://shop.example@evil.example/", "https://shop.example#top", "https://shop.example/#",
        "https://shop.example\\@evil.example/", "https://shop.example/a b",
        "https://shop.example/\t",
        "https://shop.example/\n", "https://Shop.example/", "https://b\u{fc}cher.example/",
        "https://shop..example/", "https://.example/", "https://shop.example./",
        "https://-a.example/", "https://a-.example/", "https://a_b.example/", "https://2130706433/",
        "https://0x7f.1/", "https://0x7f000001/", "https://127.1/", "https://010.0.0.1/",
        "https://256.0.0.1/", "https://[::2]/", "https://[::1/", "https://[::1]x/",
        "https://shop.example/%", "https://shop.example/%2", "https://shop.example/%zz",
        "https://shop.example/<x>", "https://shop.example/\"", "http://shop.example/",
        "http://127.0.0.1.evil.example/", "http://localhost.evil.example/", "http://10.0.0.1/",
        "http://128.0.0.1/",
    ])
    func `everything else is refused`(text: String) {
        #expect(DestinationURL(text) == nil)
    }

    @Test func `an address has at most 2,000 characters`() {
        let base = "https://a.example/"
        let longest = base + String(repeating: "a", count: 2000 - base.count)
        #expect(DestinationURL(longest) != nil)
        #expect(DestinationURL(longest + "a") == nil)
    }
}
