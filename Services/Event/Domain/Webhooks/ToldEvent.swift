import Contracts
import HTTPKit
import Kernel
import SecurityKit

/// An event as a webhook tells it, before the checks that every event passes.
struct ToldEvent: Sendable {
    /// What the sender said of the link that brought its buyer. Anybody could have written it;
    /// referral-service believes only codes and clicks that it knows.
    struct Referral: Sendable, Hashable {
        var clickID: String?
        var code: String?
    }

    let type: String
    /// Decides what is the same event; the same for every attempt of the sender.
    let eventID: String
    let occurredAt: Timestamp
    var externalID: String?
    var anonymousID: String?
    var campaignID: String?
    var subject: String?
    var traits: [String: JSONValue] = [:]
    var properties: [String: JSONValue] = [:]
    var referral = Referral()

    /// The event as a client would send it.
    ///
    /// - Parameter source: where it came from, kept beside the event.
    func document(source: [String: JSONValue]) -> JSONValue {
        var members: [String: JSONValue] = [
            "event": .string(type), "event_id": .string(eventID),
            "occurred_at": .string(occurredAt.description), "properties": .object(properties),
            "webhook": .object(source),
        ]
        members.set("participant_id", externalID)
        members.set("anonymous_id", anonymousID)
        members.set("campaign_id", campaignID)
        members.set("subject", subject)
        if !traits.isEmpty { members["traits"] = .object(traits) }
        var claim: [String: JSONValue] = [:]
        claim.set("click_id", referral.clickID)
        claim.set("code", referral.code)
        if !claim.isEmpty { members["referral"] = .object(claim) }
        return .object(members)
    }
}

extension [String: JSONValue] {
    /// Sets a text, or leaves the member out.
    mutating func set(_ name: String, _ text: String?) {
        if let text { self[name] = .string(text) }
    }
}

/// Ids of events that come of webhooks.
enum WebhookEventID {
    /// Readable parts, or their hash when they are too long for an id.
    static func make(_ parts: [String]) -> String {
        let text = parts.joined(separator: ":")
        guard text.unicodeScalars.count > LogMessage.maximumIDLength else { return text }
        return "\(parts[0]):\(Hex.encode(Digest.sha256(Array(text.utf8))))"
    }
}

extension JSONValue {
    /// An id that some write as text and some as a whole number; nil for anything else.
    var identifier: String? {
        switch self {
        case .string(let text):
            let isFit =
                (1...IncomingEvent.maximumIDLength).contains(text.unicodeScalars.count)
                && !text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
            return isFit ? text : nil
        case .number(let number):
            let isWhole =
                number.text.utf8.count <= 38
                && number.text.utf8.allSatisfy { (48...57).contains($0) }
            return isWhole ? number.text : nil
        default: return nil
        }
    }

    /// A text of at most so many characters, cut; nil for anything else and for nothing.
    func text(atMost limit: Int = 200) -> String? {
        guard let string, !string.isEmpty else { return nil }
        return String(string.unicodeScalars.prefix(limit).map(Character.init))
    }

    /// An e-mail address as people are told apart by it: without blanks around it, in small
    /// letters.
    var mailbox: String? {
        guard let text = string?.trimmed.lowercased(), text.contains("@"),
            (3...IncomingEvent.maximumIDLength).contains(text.unicodeScalars.count)
        else { return nil }
        return text
    }

    /// A time as RFC 3339 writes it, or in seconds since 1970.
    var time: Timestamp? {
        switch self {
        case .string(let text): Timestamp(text)
        case .number(let number):
            number.integer.flatMap { Timestamp(unixSeconds: $0) }
        default: nil
        }
    }
}

extension String {
    /// Without blanks at either end.
    var trimmed: String {
        let rest = drop { $0 == " " || $0 == "\t" }
        guard let last = rest.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return "" }
        return String(rest[...last])
    }
}

extension Timestamp {
    /// Nil beyond the years that can be written.
    init?(unixSeconds: Int) {
        guard (0...253_402_300_799).contains(unixSeconds) else { return nil }
        self.init(microseconds: Int64(unixSeconds) * 1_000_000)
    }
}
