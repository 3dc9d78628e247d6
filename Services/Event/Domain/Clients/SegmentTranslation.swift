import HTTPKit
import Kernel

/// The calls of Segment's HTTP API, which RudderStack's clients make too.
enum SegmentCall: String, Sendable, CaseIterable {
    case track, identify, page, screen, group, alias

    /// The single letter that browsers use (`/v1/t`).
    init?(path: String) {
        guard let call = Self.allCases.first(where: { $0.rawValue == path || $0.letter == path })
        else { return nil }
        self = call
    }

    private var letter: String { String(rawValue.prefix(1)) }
}

/// Reads calls of Segment's HTTP API as events of ours.
struct SegmentTranslation: Sendable {
    /// What says nothing of the event itself, or is said again in other words at each delivery.
    private static let wrapping: Set = ["sentAt", "writeKey", "_metadata"]
    private static let names: [(ours: String, theirs: String)] = [
        ("event_id", "messageId"), ("participant_id", "userId"), ("anonymous_id", "anonymousId"),
        ("occurred_at", "timestamp"),
    ]

    let receivedAt: Timestamp
    /// What the batch says once for all of its events.
    var sharedSentAt: Timestamp?
    var sharedContext: JSONSlice?

    /// One call; `type` is the path's, or else the call's own `type` counts.
    func read(_ call: JSONSlice, as type: SegmentCall? = nil, at index: Int = 0) -> EventReading {
        do throws(EventRejection) {
            guard call.kind == .object else { throw .notAnObject }
            try EventChecks.size(call.bytes.count)
            let said = call["type"]?.string.flatMap { SegmentCall(rawValue: $0) }
            guard let type = type ?? said else {
                throw .field(
                    "type", "invalid_type",
                    "'type' is track, identify, page, screen, group or alias.")
            }
            let clock = SenderClock(
                receivedAt: receivedAt, sentAt: ClientText.time(call["sentAt"]) ?? sharedSentAt)
            return .event(try IncomingEvent(try parts(call, type, index), clock))
        } catch {
            return .rejected(
                eventID: ClientText.id(call["messageId"]), error.told(in: Self.names))
        }
    }

    private func parts(
        _ call: JSONSlice, _ type: SegmentCall, _ index: Int
    ) throws(EventRejection) -> EventParts {
        let source = ObjectBuilder(call, without: Self.wrapping).object?.bytes ?? call.bytes
        let name = try Self.name(of: call, type)
        let told = ClientText.time(call["timestamp"]) ?? ClientText.time(call["originalTimestamp"])
        let eventID =
            ClientText.id(call["messageId"]).map { ClientText.eventID($0) }
            ?? ClientText.eventID(
                of: source, isTimed: told != nil, receivedAt: receivedAt, at: index)
        var parts = EventParts(
            type: EventNames.type(for: name), eventID: eventID, occurredAt: told ?? receivedAt,
            source: source)
        parts.externalID = ClientText.id(call["userId"])
        parts.anonymousID = ClientText.id(call["anonymousId"])
        if type == .alias, parts.anonymousID == nil {
            parts.anonymousID = ClientText.id(call["previousId"])
        }
        if parts.type != name { parts.told.append(("event", EncodedJSON(text: name))) }
        if told == nil, let time = call["timestamp"], time.kind != .null {
            parts.told.append(("timestamp", EncodedJSON(time)))
        }
        let properties = call["properties"]
        try Self.check(properties, "properties")
        try Self.check(call["traits"], "traits")
        parts.campaignID = properties?["campaign_id"]?.string.flatMap { CampaignID($0) }
        parts.subject = PurchaseFacts.subject(of: parts.type, properties)
        parts.properties = Self.properties(of: call, type, mapped: parts.type)
        parts.traits = Self.traits(of: call, type)
        parts.address = call["context"]?["ip"]?.string
        parts.context = context(of: call)
        return parts
    }

    private static func name(
        of call: JSONSlice, _ type: SegmentCall
    ) throws(EventRejection) -> String {
        guard type == .track else { return type.rawValue }
        return try EventChecks.text(call["event"]?.string, "event", maximum: 200)
    }

    private static func check(_ value: JSONSlice?, _ name: String) throws(EventRejection) {
        guard let value, value.kind != .object, value.kind != .null else { return }
        throw .field(name, "invalid_\(name)", "'\(name)' is a JSON object.")
    }

    private static func properties(
        of call: JSONSlice, _ type: SegmentCall, mapped: String
    ) -> EncodedJSON? {
        var properties = ObjectBuilder(call["properties"])
        switch type {
        case .track:
            if let amount = PurchaseFacts.amount(of: mapped, call["properties"]) {
                properties.set("amount", amount)
            }
        case .page, .screen:
            properties.set("name", call["name"])
            properties.set("category", call["category"])
        case .group:
            properties.set("group_id", call["groupId"])
            // Of the group, not of the person.
            properties.set("group_traits", call["traits"])
        case .alias: properties.set("previous_id", call["previousId"])
        case .identify: break
        }
        return properties.object
    }

    /// What is said of the person, in the context too.
    private static func traits(of call: JSONSlice, _ type: SegmentCall) -> EncodedJSON? {
        var traits = ObjectBuilder(call["context"]?["traits"])
        if type == .identify { traits.merge(call["traits"]) }
        return traits.object
    }

    /// The sender's context over the batch's. The address of the device is not kept.
    private func context(of call: JSONSlice) -> [EncodedJSON.Member] {
        var context = ObjectBuilder(sharedContext, without: ["traits", "ip"])
        context.merge(call["context"], without: ["traits", "ip"])
        context.set("channel", call["channel"])
        return context.members
    }
}
