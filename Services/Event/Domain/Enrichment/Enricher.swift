import Contracts
import HTTPKit
import Kernel

/// Adds to an event what the service itself sees of it: pure, and the same for every front.
///
/// A browser's request shows the visitor's device; a server's request shows only the server, so
/// that of its events what the server tells of the visitor counts.
struct Enricher: Sendable {
    /// The member of the context under which the service's own findings are. Nobody else writes it.
    static let name = "enriched"
    private static let maximumAgentLength = 300

    let hash: AddressHash
    let geo: GeoTable?
    /// Reads a user agent; remembers what it read.
    let readAgent: @Sendable (String) -> UserAgent

    /// What is known of a device, as members of `enriched`. Once per request is enough for a
    /// browser's.
    func facts(of origin: EventOrigin, _ client: ClientID) -> [EncodedJSON.Member] {
        var facts: [EncodedJSON.Member] = []
        func add(_ name: String, _ text: String?) {
            if let text, !text.isEmpty { facts.append((name, EncodedJSON(text: text))) }
        }
        if let address = origin.address.flatMap({ NetworkAddress($0) }) {
            add("address_hash", hash.address(address, of: client))
            add("network_hash", hash.network(address, of: client))
            let place = geo?.place(of: address)
            add("country", place?.country)
            add("region", place?.region)
        }
        guard origin.userAgent != nil || origin.hints != nil else { return facts }
        let text = origin.userAgent ?? ""
        let plain = readAgent(text)
        let agent = origin.hints?.refine(plain) ?? plain
        add("device", agent.device)
        add("device_model", agent.model)
        add("browser", agent.browser?.name)
        add("browser_version", agent.browser?.version)
        add("os", agent.system?.name)
        add("os_version", agent.system?.version)
        let kept = text.unicodeScalars.filter { $0.value >= 32 }.prefix(Self.maximumAgentLength)
        add("user_agent", String(String.UnicodeScalarView(kept)))
        facts.append(("is_bot", EncodedJSON(written: agent.bot == nil ? "false" : "true")))
        add("bot", agent.bot)
        return facts
    }

    /// The event's context with all that was found out; `facts` are those of the request, `memory`
    /// goes from one event of it to the next.
    func context(
        of event: IncomingEvent, _ context: IngestContext, facts: [EncodedJSON.Member],
        memory: inout Memory
    ) -> StoredContext {
        let isServers = context.trust >= .server
        let clues = Memory.Clues(
            isServers: isServers, address: isServers ? event.address : nil,
            visitor: isServers ? nil : event.anonymousID ?? event.externalID,
            day: isServers ? 0 : event.occurredAt.unixSeconds / 86_400)
        if let context = memory.context(event.context, clues) { return context }
        let told = ToldContext(event.context)
        let visit = memory.visits.visit(told)
        let findings = findings(
            told, visit, session: session(clues, context.clientID, told),
            facts: isServers ? self.facts(told, clues, context.clientID) : facts)
        return memory.keep(findings, of: event.context, clues)
    }

    private func findings(
        _ told: ToldContext, _ visit: Visit, session: String?, facts: [EncodedJSON.Member]
    ) -> Findings {
        var (findings, facts, filled) = (Findings(), facts, [String]())
        if !visit.utm.isEmpty {
            findings.add("utm", visit.utm)
            filled.append("utm")
        }
        if !visit.clickIDs.isEmpty {
            findings.add("click_ids", visit.clickIDs)
            filled.append("click_ids")
        }
        if !told.has("first_touch"), let touch = visit.touch {
            findings.add("first_touch", at: "at", touch)
            filled.append("first_touch")
        }
        if !told.has("session_id"), let session {
            findings.add("session_id", EncodedJSON(text: session))
            filled.append("session_id")
        }
        if let channel = visit.channel {
            facts.append(("channel", EncodedJSON(text: channel.rawValue)))
        }
        if !filled.isEmpty { facts.append(("filled", EncodedJSON(texts: filled))) }
        if !facts.isEmpty { findings.add(Self.name, facts) }
        return findings
    }

    /// What a server tells of the visitor's device.
    private func facts(
        _ told: ToldContext, _ clues: Memory.Clues, _ client: ClientID
    ) -> [EncodedJSON.Member] {
        facts(
            of: EventOrigin(
                address: clues.address,
                userAgent: told.text("user_agent", "userAgent")
                    ?? told.object("posthog", with: "$raw_user_agent")?["$raw_user_agent"]?.string),
            client)
    }

    /// What other tools' clients call the session; else one visitor's events of a day. A server's
    /// event is part of no visit unless it says so.
    private func session(
        _ clues: Memory.Clues, _ client: ClientID, _ told: ToldContext
    ) -> String? {
        let words =
            told.text("sessionId")
            ?? told.object("posthog", with: "$session_id")?["$session_id"]?.string
        if let words, (1...IncomingEvent.maximumIDLength).contains(words.unicodeScalars.count) {
            return words
        }
        return clues.visitor.map { hash.session($0, day: clues.day, of: client) }
    }
}
