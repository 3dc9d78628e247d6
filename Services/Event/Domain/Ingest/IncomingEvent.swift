import Contracts
import HTTPKit
import Kernel

/// What is known of a batch besides its bytes.
struct IngestContext: Sendable {
    let clientID: ClientID
    let trust: Trust
    let receivedAt: Timestamp
    let traceparent: String
}

/// One event as a client sent it, checked. Keeps slices of the sender's bytes: what is only passed
/// on is never built anew.
struct IncomingEvent: Sendable {
    /// The largest event, in bytes as sent.
    static let maximumBytes = 32 << 10
    /// Levels of objects and arrays in one event. Well below what readers of JSON accept, because
    /// the envelope and the feed put more around it.
    static let maximumDepth = 32
    /// The longest id of a person, visitor or subject, in characters.
    static let maximumIDLength = 200
    /// A clock this far ahead is tolerated; beyond it the time of receipt counts.
    static let toleratedSkew: Duration = .seconds(24 * 3600)

    let type: String
    let eventID: String
    let occurredAt: Timestamp
    /// The client's own id of the person.
    let externalID: String?
    let anonymousID: String?
    let campaignID: CampaignID?
    let subject: String?
    let traits: JSONSlice?
    let properties: JSONSlice?
    /// Everything else that the sender said (page, device, campaign parameters, …).
    let context: [(name: String, value: JSONSlice)]
    /// The whole event as sent.
    let source: ArraySlice<UInt8>

    /// Checks one element of the batch. Throws the first thing that is wrong with it.
    init(_ event: JSONSlice, receivedAt: Timestamp) throws(EventRejection) {
        guard event.kind == .object else {
            throw EventRejection(
                code: "not_an_object", detail: "An event is a JSON object.", pointer: "")
        }
        source = event.bytes
        guard source.count <= Self.maximumBytes else {
            throw EventRejection(
                code: "event_too_large",
                detail: "An event takes at most \(Self.maximumBytes) bytes.", pointer: "")
        }
        guard Self.depth(of: source) <= Self.maximumDepth else {
            throw EventRejection(
                code: "event_too_deep",
                detail: "An event has at most \(Self.maximumDepth) levels.", pointer: "")
        }
        var fields = EventFields(event.members)
        type = try fields.type()
        eventID = try fields.requiredText("event_id", maximum: LogMessage.maximumIDLength)
        let told = try fields.time("occurred_at")
        occurredAt = told > receivedAt + Self.toleratedSkew ? receivedAt : told
        externalID = try fields.text("participant_id", maximum: Self.maximumIDLength)
        anonymousID = try fields.text("anonymous_id", maximum: Self.maximumIDLength)
        guard externalID != nil || anonymousID != nil else {
            throw .field(
                "participant_id", "participant_required",
                "Say who it was: participant_id (your own id of the person) or anonymous_id.")
        }
        campaignID = try fields.campaign("campaign_id")
        subject = try fields.text("subject", maximum: Self.maximumIDLength)
        traits = try fields.object("traits")
        properties = try fields.object("properties")
        context = fields.rest
    }

    /// The deepest level of brackets in valid JSON, those in strings not counted.
    private static func depth(of json: ArraySlice<UInt8>) -> Int {
        var (depth, deepest) = (0, 0)
        var (isInString, isEscaped) = (false, false)
        for byte in json {
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                deepest = max(deepest, depth)
            case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
            default: break
            }
        }
        return deepest
    }
}

/// The members of an event while they are taken out one by one.
private struct EventFields {
    private(set) var rest: [(name: String, value: JSONSlice)]

    init(_ members: [(name: String, value: JSONSlice)]) {
        rest = members
    }

    /// Removes a member; an explicit null counts as absent.
    private mutating func take(_ name: String) -> JSONSlice? {
        guard let index = rest.firstIndex(where: { $0.name == name }) else { return nil }
        let value = rest.remove(at: index).value
        return value.kind == .null ? nil : value
    }

    mutating func text(_ name: String, maximum: Int) throws(EventRejection) -> String? {
        guard let value = take(name) else { return nil }
        guard let text = value.string, (1...maximum).contains(text.unicodeScalars.count),
            !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
        else {
            throw .field(
                name, "invalid_\(name)",
                "'\(name)' is a string of 1 to \(maximum) characters without control characters.")
        }
        return text
    }

    mutating func requiredText(_ name: String, maximum: Int) throws(EventRejection) -> String {
        guard let text = try text(name, maximum: maximum) else {
            throw .field(name, "required", "'\(name)' is required.")
        }
        return text
    }

    mutating func type() throws(EventRejection) -> String {
        let type = try requiredText("event", maximum: EventType.maximumLength)
        guard EventType.isValid(type) else {
            throw .field(
                "event", "invalid_event", "'event' takes letters, digits and _ . : - only.")
        }
        guard !ReservedEventTypes.contains(type) else {
            throw .field(
                "event", "reserved_event",
                "Events of this name are written by the platform itself. Use another name.")
        }
        return type
    }

    mutating func time(_ name: String) throws(EventRejection) -> Timestamp {
        guard let time = Timestamp(try requiredText(name, maximum: 40)) else {
            throw .field(
                name, "invalid_\(name)", "'\(name)' is a time such as 2026-01-31T09:30:00.000Z.")
        }
        return time
    }

    mutating func campaign(_ name: String) throws(EventRejection) -> CampaignID? {
        guard let text = try text(name, maximum: 100) else { return nil }
        guard let campaign = CampaignID(text) else {
            throw .field(name, "invalid_\(name)", "'\(name)' is an id that begins with 'cmp_'.")
        }
        return campaign
    }

    mutating func object(_ name: String) throws(EventRejection) -> JSONSlice? {
        guard let value = take(name) else { return nil }
        guard value.kind == .object else {
            throw .field(name, "invalid_\(name)", "'\(name)' is a JSON object.")
        }
        return value
    }
}

/// Names under which services write to the log: nobody else may, or a browser could pretend that a
/// reward was fulfilled.
enum ReservedEventTypes {
    private static let nouns: Set<Substring> = [
        "client", "key", "campaign", "referral", "reward", "workflow", "notification",
        "analytics", "event", "participant",
    ]

    static func contains(_ type: String) -> Bool {
        guard let dot = type.firstIndex(of: ".") else { return false }
        return nouns.contains(type[..<dot])
    }
}
