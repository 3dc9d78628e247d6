/// What a browser tells in the headers `Sec-CH-UA…` (W3C User-Agent Client Hints).
///
/// They say more than the agent, which newer browsers keep vague, and Brave and others only there
/// give their name.
struct ClientHints: Sendable, Hashable {
    /// A longer header is not looked at.
    static let maximumBytes = 512
    static let headers = [
        "Sec-CH-UA", "Sec-CH-UA-Full-Version-List", "Sec-CH-UA-Mobile", "Sec-CH-UA-Platform",
        "Sec-CH-UA-Platform-Version", "Sec-CH-UA-Model",
    ]
    private static let names = [
        "Google Chrome": "Chrome", "Microsoft Edge": "Edge", "HeadlessChrome": "Chrome",
        "YaBrowser": "Yandex Browser", "DuckDuckGo": "DuckDuckGo",
    ]
    private static let systems = ["Chrome OS": "ChromeOS", "Chromium OS": "ChromeOS"]

    /// By the order of `headers`; nil for one that was not sent.
    private let values: [String?]

    /// Nil when the browser sent none.
    init?(_ value: (String) -> String?) {
        values = Self.headers.map { name in
            value(name).flatMap { $0.utf8.count <= Self.maximumBytes ? $0 : nil }
        }
        guard values.contains(where: { $0 != nil }) else { return nil }
    }

    /// The agent, with what the hints know better.
    func refine(_ agent: UserAgent) -> UserAgent {
        var agent = agent
        let brands = Self.brands(values[1] ?? values[0] ?? "")
        let named = brands.first { $0.name != "Chromium" } ?? brands.first
        if let named {
            agent.browser = UserAgent.Product(
                name: Self.names[named.name] ?? named.name, version: named.version)
        }
        if brands.contains(where: { $0.name.hasPrefix("Headless") }) {
            agent.bot = agent.bot ?? "headlesschrome"
        }
        if let platform = Self.text(values[3]), !platform.isEmpty, platform != "Unknown" {
            let name = Self.systems[platform] ?? platform
            let version = Self.text(values[4]) ?? ""
            let known = agent.system?.name == name ? agent.system?.version : nil
            // The platform's version of Windows is not the one that people know.
            let isNews = !version.isEmpty && name != "Windows"
            agent.system = UserAgent.Product(
                name: name, version: isNews ? String(version.prefix(20)) : known)
        }
        if let model = Self.text(values[5]), !model.isEmpty { agent.model = model }
        if values[2] == "?1", agent.device == nil || agent.device == "desktop" {
            agent.device = "mobile"
        }
        return agent
    }

    /// `"Chromium";v="130", "Not?A_Brand";v="99"` without the brands that mean nothing.
    private static func brands(_ text: String) -> [(name: String, version: String?)] {
        var brands: [(name: String, version: String?)] = []
        var rest = Substring(text)
        while let name = quoted(&rest), brands.count < 10 {
            var version: String?
            if rest.hasPrefix(";v=") {
                version = quoted(&rest)
            }
            let isFiller =
                name.contains("Not") && name.utf8.contains { " ;/?_()=:.-,".utf8.contains($0) }
                && name.lowercased().contains("brand")
            if !isFiller, !name.isEmpty { brands.append((name, version.map(shortened))) }
        }
        return brands
    }

    private static func shortened(_ version: String) -> String {
        version.split(separator: ".").prefix(3).joined(separator: ".")
    }

    /// The next text in quotes, which `rest` then stands behind.
    private static func quoted(_ rest: inout Substring) -> String? {
        guard let open = rest.firstIndex(of: "\"") else { return nil }
        let inside = rest[rest.index(after: open)...]
        guard let close = inside.firstIndex(of: "\"") else { return nil }
        rest = inside[inside.index(after: close)...]
        return plain(inside[..<close])
    }

    private static func text(_ value: String?) -> String? {
        guard let value else { return nil }
        var rest = Substring(value)
        return quoted(&rest)
    }

    /// At most 60 characters without control characters.
    private static func plain(_ text: Substring) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.filter { $0.value >= 32 }.prefix(60)))
    }
}
