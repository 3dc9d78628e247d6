import Kernel
import Testing

@testable import EventService

@Suite struct UserAgentTests {
    private static let apple = "AppleWebKit/537.36 (KHTML, like Gecko)"

    /// Real agents, and what is to be told of them: browser, system, device.
    static let agents: [(String, String, String, String)] = [
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) \(apple) Chrome/131.0.0.0 Safari/537.36",
            "Chrome 131.0.0", "Windows 10", "desktop"
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) \(apple) Chrome/131.0.0.0 Safari/537.36 "
                + "Edg/131.0.2903.51",
            "Edge 131.0.2903", "Windows 10", "desktop"
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like "
                + "Gecko) Version/18.1 Safari/605.1.15",
            "Safari 18.1", "macOS 10.15.7", "desktop"
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
                + "like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
            "Safari 18.1", "iOS 18.1", "mobile"
        ),
        (
            "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
                + "Gecko) CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1",
            "Chrome 131.0.6778", "iOS 16.6", "tablet"
        ),
        (
            "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/UQ1A.240205.004) \(apple) "
                + "Chrome/131.0.6778.39 Mobile Safari/537.36",
            "Chrome 131.0.6778", "Android 14", "mobile"
        ),
        (
            "Mozilla/5.0 (Linux; Android 13; SM-X900) \(apple) SamsungBrowser/26.0 "
                + "Chrome/122.0.0.0 Safari/537.36",
            "Samsung Internet 26.0", "Android 13", "tablet"
        ),
        (
            "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
            "Firefox 132.0", "Linux", "desktop"
        ),
        (
            "Mozilla/5.0 (Android 14; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0",
            "Firefox 132.0", "Android 14", "mobile"
        ),
        (
            "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) \(apple) Chrome/130.0.0.0 Safari/537.36",
            "Chrome 130.0.0", "ChromeOS", "desktop"
        ),
        (
            "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
            "Internet Explorer 11.0", "Windows 7", "desktop"
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) \(apple) Chrome/130.0.0.0 Safari/537.36 "
                + "OPR/115.0.0.0",
            "Opera 115.0.0", "Windows 10", "desktop"
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 "
                + "(KHTML, like Gecko) Mobile/15E148 Instagram 333.0.0.18.91 (iPhone14,5)",
            "Instagram 333.0.0", "iOS 17.5.1", "mobile"
        ),
        (
            "Mozilla/5.0 (Web0S; Linux/SmartTV) \(apple) Chrome/94.0.4606.128 Safari/537.36",
            "Chrome 94.0.4606", "webOS", "tv"
        ),
        (
            "Mozilla/5.0 (PlayStation; PlayStation 5/6.00) AppleWebKit/605.1.15 (KHTML, like "
                + "Gecko) Version/13.0 Safari/605.1.15",
            "PlayStation 5", "PlayStation 5", "console"
        ),
        ("analytics-python/2.4.0", "", "", "library"),
        ("python-requests/2.34.2", "", "", "library"),
    ]

    private static func text(_ product: UserAgent.Product?) -> String {
        [product?.name, product?.version].compactMap(\.self).joined(separator: " ")
    }

    @Test(arguments: agents)
    func `a real agent tells browser, system and device`(
        _ agent: (text: String, browser: String, system: String, device: String)
    ) {
        let read = UserAgentReader.installed.read(agent.text)
        #expect(Self.text(read.browser) == agent.browser)
        #expect(Self.text(read.system) == agent.system || agent.system == read.system?.name)
        #expect(read.device == agent.device)
        #expect(read.bot == nil)
    }

    @Test(arguments: [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai"
            + ".com/gptbot)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
            + "HeadlessChrome/131.0.0.0 Safari/537.36",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    ])
    func `a known bot and a browser without a window are told`(_ agent: String) {
        #expect(UserAgentReader.installed.read(agent).bot != nil)
    }

    @Test(arguments: [
        "Mozilla/5.0 (Linux; Android 10; CUBOT NOTE 20) AppleWebKit/537.36 (KHTML, like Gecko) "
            + "Chrome/126.0.0.0 Mobile Safari/537.36",
        "HbbTV/1.1.1 (;Panasonic;VIERA 2012;1.261;0071-3103 2000-0000;)",
    ])
    func `a phone or television whose name looks like a bot's is none`(_ agent: String) {
        #expect(UserAgentReader.installed.read(agent).bot == nil)
    }

    @Test func `the model is told where the browser tells it`() {
        func model(_ inside: String) -> String? {
            UserAgentReader.installed.read(
                "Mozilla/5.0 (\(inside)) AppleWebKit/537.36 Chrome/131.0.0.0 Mobile Safari/537.36"
            ).model
        }
        #expect(model("Linux; Android 14; Pixel 8 Build/UQ1A.240205.004") == "Pixel 8")
        #expect(model("Linux; U; Android 4.4.2; en-us; SM-T230 Build/KOT49H") == "SM-T230")
        #expect(model("Linux; Android 10; K") == nil)
        #expect(model("iPhone; CPU iPhone OS 18_1 like Mac OS X") == "iPhone")
        #expect(model("Linux; Android 10") == nil)
        #expect(model("Linux; Android 10; ") == nil)
    }

    @Test func `however long an agent is, no more than its beginning is looked at`() {
        let start = String(repeating: "a", count: UserAgentReader.maximumBytes)
        #expect(UserAgentReader.installed.read(start + "Googlebot/2.1") == UserAgent())
        #expect(UserAgentReader.installed.read("") == UserAgent())
        #expect(UserAgentReader.installed.read("Chrome/").browser?.version == nil)
        let digits = UserAgentReader.installed.read("Firefox/" + String(repeating: "1.", count: 99))
        #expect(digits.browser?.version == "1.1.1")
    }

    @Test func `hints say more than an agent that is kept vague`() throws {
        let agent = UserAgentReader.installed.read(
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
                + "Chrome/131.0.0.0 Mobile Safari/537.36")
        let sent = [
            "Sec-CH-UA": #""Brave";v="131", "Chromium";v="131", "Not_A Brand";v="24""#,
            "Sec-CH-UA-Mobile": "?1", "Sec-CH-UA-Platform": #""Android""#,
            "Sec-CH-UA-Platform-Version": #""15.0.0""#, "Sec-CH-UA-Model": #""Pixel 9""#,
        ]
        let refined = try #require(ClientHints { sent[$0] }).refine(agent)
        #expect(refined.browser == UserAgent.Product(name: "Brave", version: "131"))
        #expect(refined.system == UserAgent.Product(name: "Android", version: "15.0.0"))
        #expect(refined.model == "Pixel 9")
        #expect(refined.device == "mobile")
        #expect(refined.bot == nil)
        let headless = ClientHints { $0 == "Sec-CH-UA" ? #""HeadlessChrome";v="131""# : nil }
        #expect(headless?.refine(agent).bot != nil)
        #expect(ClientHints { _ in nil } == nil)
        for broken in [#"""#, #""Chr"#, "?", String(repeating: #""a""#, count: 1000)] {
            let hints = ClientHints { $0 == "Sec-CH-UA" ? broken : nil }
            #expect((hints?.refine(agent) ?? agent).device == "mobile")
        }
    }

    @Test func `what is remembered of agents is bounded`() {
        let cache = AgentCache(capacity: 10)
        for number in 0..<100 {
            #expect(cache.read("Firefox/\(number).0").browser?.version == "\(number).0")
        }
        #expect(cache.count <= 10)
        #expect(cache.read("Firefox/99.0").browser?.name == "Firefox")
    }

    @Test func `every literal is found wherever it is, as by looking for one after the other`() {
        var random = SystemRandomNumberGenerator()
        let letters = Array("abc".utf8)
        func text(_ length: ClosedRange<Int>) -> [UInt8] {
            (0..<Int.random(in: length, using: &random)).map { _ in
                letters.randomElement(using: &random) ?? 0
            }
        }
        for _ in 0..<60 {
            let literals = (0..<6).map { _ in text(1...4) }
            let haystack = text(0...30)
            var wanted: Set<LiteralSearch.Match> = []
            for (index, literal) in literals.enumerated() {
                for start in haystack.indices where haystack[start...].starts(with: literal) {
                    wanted.insert(LiteralSearch.Match(literal: index, end: start + literal.count))
                }
            }
            let found = LiteralSearch(literals).matches(in: haystack)
            #expect(Set(found) == wanted, "\(literals) in \(haystack)")
            #expect(found.count == wanted.count)
        }
    }
}
