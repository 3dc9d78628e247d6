import Contracts

/// What a webhook may be set up with.
enum WebhookRules {
    static let maximumPerClient = 20
    static let maximumTypes = 50
    static let maximumURLLength = 1000

    /// Every message that can be delivered.
    static let types = Set([
        RewardMessage.allocated, RewardMessage.rejected, RewardMessage.approved,
        RewardMessage.fulfilled, RewardMessage.failed, RewardMessage.expired,
        RewardMessage.redeemed, RewardMessage.reversed,
        WorkflowMessage.completed, WorkflowMessage.failed,
    ]).union(CampaignMessage.all).union(ReferralMessage.all).union(NotificationMessage.all)

    /// `*` or `reward.*`.
    static let patterns: Set<String> = Set(
        types.map { "\($0.prefix { $0 != "." }).*" } + ["*"])

    /// The ports of services that a request must not be mistaken for a command of.
    private static let refusedPorts: Set<Int> = [
        7, 9, 19, 21, 22, 23, 25, 53, 110, 111, 135, 139, 143, 389, 445, 465, 514, 587, 636, 993,
        995, 1433, 1521, 2049, 2375, 2376, 2379, 3306, 3389, 5432, 5900, 6379, 9200, 11_211,
        27_017,
    ]

    static func isType(_ text: String) -> Bool { types.contains(text) || patterns.contains(text) }

    /// Whether an endpoint with these types wants a message.
    static func matches(_ wanted: [String], _ type: String) -> Bool {
        let family = "\(type.prefix { $0 != "." }).*"
        return wanted.contains { $0 == type || $0 == family || $0 == "*" }
    }

    /// What is wrong with a URL, as a sentence; nil when it may be called. Where its host leads is
    /// looked at with each call.
    static func problem(url: String, allowsHTTP: Bool) -> String? {
        guard url.utf8.count <= maximumURLLength,
            url.utf8.allSatisfy({ (33...126).contains($0) && $0 != UInt8(ascii: "\\") })
        else { return "Use a URL of at most \(maximumURLLength) printable ASCII characters." }
        let lower = url.lowercased()
        let rest: Substring
        if lower.hasPrefix("https://") {
            rest = lower.dropFirst(8)
        } else if allowsHTTP, lower.hasPrefix("http://") {
            rest = lower.dropFirst(7)
        } else {
            return "Use an https URL."
        }
        guard !url.contains("#") else { return "Leave the fragment (#…) out." }
        let authority = rest.prefix { !"/?".contains($0) }
        guard !authority.contains("@") else { return "Leave user name and password out." }
        return problem(authority: authority)
    }

    private static func problem(authority: Substring) -> String? {
        let isBracketed = authority.hasPrefix("[")
        let afterHost =
            isBracketed
            ? authority.firstIndex(of: "]").map { authority.index(after: $0) }
            : authority.firstIndex(of: ":") ?? authority.endIndex
        guard let afterHost, afterHost > authority.startIndex else { return "The host is missing." }
        let tail = authority[afterHost...]
        guard !tail.isEmpty else { return nil }
        guard tail.hasPrefix(":"), let port = Int(tail.dropFirst()), (1...65_535).contains(port)
        else { return "The port is not a number from 1 to 65535." }
        return refusedPorts.contains(port) ? "Port \(port) is not for webhooks." : nil
    }
}
