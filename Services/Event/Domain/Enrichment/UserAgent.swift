/// What a browser says of itself.
struct UserAgent: Sendable, Hashable {
    struct Product: Sendable, Hashable {
        var name: String
        var version: String?
    }

    var browser: Product?
    var system: Product?
    /// `desktop`, `mobile`, `tablet`, `tv`, `console`, `wearable`, or `library` for a program that
    /// sends events for others.
    var device: String?
    var model: String?
    /// What in it tells that nobody looks at the page.
    var bot: String?
}

/// Tells browsers, systems, devices and bots by the lists in Domain/Resources.
struct UserAgentReader: Sendable {
    /// More of an agent is not looked at.
    static let maximumBytes = 512
    static let installed = UserAgentReader(
        rules: PackageResources.agents_txt, bots: PackageResources.bots_txt)

    private enum Kind: String {
        case browser, system, device, headless, bot
    }

    private struct Rule: Sendable {
        let kind: Kind
        let name: String
        /// Whether an agent begins with it.
        var isStart = false
        var version: Version = .behind
    }

    private enum Version: Sendable {
        /// It stands behind the literal.
        case behind
        case fixed(String)
        /// It stands behind another literal.
        case elsewhere(literal: Int)
    }

    private let search: LiteralSearch
    /// By literal; of one kind the first that fits counts.
    private let rules: [[(order: Int, rule: Rule)]]

    init(rules: [UInt8], bots: [UInt8]) {
        var reading = Reading()
        for line in Self.lines(of: rules) { reading.add(line) }
        for line in Self.lines(of: bots) { reading.addBot(line) }
        search = LiteralSearch(reading.literals)
        self.rules = reading.rules
    }

    private static func lines(of list: [UInt8]) -> [[String]] {
        list.split(separator: UInt8(ascii: "\n")).filter { $0.first != UInt8(ascii: "#") }.map {
            $0.split(separator: UInt8(ascii: "|"), omittingEmptySubsequences: false)
                .map { String(decoding: $0, as: UTF8.self) }
        }
    }

    private struct Reading {
        var literals: [[UInt8]] = []
        var rules: [[(order: Int, rule: Rule)]] = []
        private var places: [String: Int] = [:]
        private var count = 0

        mutating func place(of literal: String) -> Int {
            if let known = places[literal] { return known }
            places[literal] = literals.count
            literals.append(Array(literal.utf8))
            rules.append([])
            return literals.count - 1
        }

        mutating func add(_ line: [String]) {
            guard line.count >= 3, let kind = Kind(rawValue: line[0]) else {
                preconditionFailure("agents.txt: \(line)")
            }
            var rule = Rule(kind: kind, name: line[2])
            if line.count > 3 {
                rule.version =
                    line[3].hasPrefix("=")
                    ? .fixed(String(line[3].dropFirst()))
                    : .elsewhere(literal: place(of: line[3]))
            }
            add(rule, line[1])
        }

        mutating func addBot(_ line: [String]) {
            let literal = line[0].hasPrefix("^") ? String(line[0].dropFirst()) : line[0]
            // A program that fetches for others is no visitor, and no proof of a bot either.
            let isLibrary = line.last == "http-library"
            var rule = Rule(
                kind: isLibrary ? .device : .bot,
                name: isLibrary ? "library" : literal.trimmedOfMarks)
            rule.isStart = line[0].hasPrefix("^")
            add(rule, literal)
        }

        private mutating func add(_ rule: Rule, _ literal: String) {
            rules[place(of: literal)].append((count, rule))
            count += 1
        }
    }

    /// Reads an agent. Never fails; what is not known is left out.
    func read(_ text: String) -> UserAgent {
        let bytes = text.utf8.prefix(Self.maximumBytes).map {
            (65...90).contains($0) ? $0 | 0x20 : $0
        }
        let matches = search.matches(in: bytes)
        var best: [Kind: (order: Int, rule: Rule, end: Int)] = [:]
        for match in matches {
            for (order, rule) in rules[match.literal] {
                if rule.isStart, match.end != search.length(of: match.literal) { continue }
                if let known = best[rule.kind], known.order <= order { continue }
                best[rule.kind] = (order, rule, match.end)
            }
        }
        func product(_ kind: Kind) -> UserAgent.Product? {
            best[kind].map { found in
                UserAgent.Product(
                    name: found.rule.name,
                    version: Self.version(found.rule, found.end, matches, bytes))
            }
        }
        var agent = UserAgent(browser: product(.browser), system: product(.system))
        agent.device = best[.device]?.rule.name
        agent.bot = (best[.headless] ?? best[.bot])?.rule.name
        agent.model = DeviceModel.read(Array(text.utf8.prefix(Self.maximumBytes)), agent)
        return agent
    }

    private static func version(
        _ rule: Rule, _ end: Int, _ matches: [LiteralSearch.Match], _ bytes: [UInt8]
    ) -> String? {
        switch rule.version {
        case .fixed(let version): version
        case .behind: number(in: bytes, from: end)
        case .elsewhere(let literal):
            matches.first { $0.literal == literal }.flatMap { number(in: bytes, from: $0.end) }
        }
    }

    /// At most three numbers with dots between, also where underscores are written.
    private static func number(in bytes: [UInt8], from start: Int) -> String? {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        var start = start
        if start < bytes.count, " /:".utf8.contains(bytes[start]) { start += 1 }
        var parts = [[UInt8]()]
        for byte in bytes[min(start, bytes.count)...] {
            if digits.contains(byte), parts[parts.count - 1].count < 8 {
                parts[parts.count - 1].append(byte)
            } else if byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_"), parts.count < 3,
                !parts[parts.count - 1].isEmpty
            {
                parts.append([])
            } else {
                break
            }
        }
        if parts.last?.isEmpty == true { parts.removeLast() }
        guard !parts.isEmpty else { return nil }
        return parts.map { String(decoding: $0, as: UTF8.self) }.joined(separator: ".")
    }
}

extension String {
    fileprivate var trimmedOfMarks: String {
        func isMark(_ character: Character) -> Bool { " /;:(".contains(character) }
        let rest = drop(while: isMark)
        return String(rest.prefix(rest.count - rest.reversed().prefix(while: isMark).count))
    }
}

/// The name of the device, where the agent says one.
enum DeviceModel {
    private static let maximumBytes = 60

    static func read(_ bytes: [UInt8], _ agent: UserAgent) -> String? {
        switch agent.system?.name {
        case "iOS":
            return ["iPhone", "iPad", "iPod"].first { contains(bytes, Array($0.utf8)) }
        case "Android": return android(bytes)
        default: return nil
        }
    }

    /// `(Linux; Android 14; Pixel 8 Build/UQ1A)`: the part after the version, without the build.
    /// Newer browsers write `K` for every device.
    private static func android(_ bytes: [UInt8]) -> String? {
        guard let open = bytes.firstIndex(of: UInt8(ascii: "(")),
            let close = bytes[open...].firstIndex(of: UInt8(ascii: ")"))
        else { return nil }
        let parts = bytes[(open + 1)..<close].split(separator: UInt8(ascii: ";")).map {
            String(decoding: $0.prefix(maximumBytes), as: UTF8.self).trimmed
        }
        guard let place = parts.firstIndex(where: { $0.hasPrefix("Android") }) else { return nil }
        let isLanguage = { (part: String) in
            let bytes = Array(part.utf8)
            return bytes.count == 5 && (bytes[2] == 45 || bytes[2] == 95)
        }
        guard let part = parts[(place + 1)...].first(where: { !isLanguage($0) && $0 != "wv" })
        else { return nil }
        let model = part.components(before: " Build/")
        return model.isEmpty || model == "K" || model.hasPrefix("Build/")
            || ["Mobile", "Tablet", "TV"].contains(model) || model.hasPrefix("rv:") ? nil : model
    }

    private static func contains(_ bytes: [UInt8], _ wanted: [UInt8]) -> Bool {
        guard bytes.count >= wanted.count else { return false }
        return (0...(bytes.count - wanted.count)).contains { start in
            bytes[start..<(start + wanted.count)].elementsEqual(wanted)
        }
    }
}

extension String {
    /// What stands before a text; all when it is not there.
    fileprivate func components(before text: String) -> String {
        guard let range = firstRange(of: text) else { return self }
        return String(self[..<range.lowerBound])
    }
}
