import HTTPKit
import Kernel

/// Reads events of PostHog's clients as ours.
struct PostHogTranslation: Sendable {
    /// What PostHog's clients report by themselves.
    private static let known = [
        "$identify": "identify", "$set": "identify", "$pageview": "page", "$screen": "screen",
        "$groupidentify": "group", "$create_alias": "alias",
    ]
    private static let wrapping: Set = ["api_key", "token", "sent_at"]
    private static let names: [(ours: String, theirs: String)] = [
        ("event_id", "uuid"), ("participant_id", "distinct_id"), ("anonymous_id", "distinct_id"),
        ("occurred_at", "timestamp"),
    ]

    let receivedAt: Timestamp
    var sharedSentAt: Timestamp?

    /// The key that a body carries: of the batch, or of its first event.
    static func key(in body: JSONSlice) -> String? {
        let carrier = body.kind == .array ? body.elements.first : body
        for name in ["api_key", "token"] {
            if let key = carrier?[name]?.string ?? carrier?["properties"]?[name]?.string {
                return key
            }
        }
        return nil
    }

    /// One event. Some clients put what they say of themselves into `options`.
    func read(_ event: JSONSlice, at index: Int = 0) -> EventReading {
        do throws(EventRejection) {
            guard event.kind == .object else { throw .notAnObject }
            try EventChecks.size(event.bytes.count)
            let isTimed = event["options"]?["disable_skew_correction"]?.value.bool ?? false
            let clock = SenderClock(
                receivedAt: receivedAt,
                sentAt: isTimed ? nil : ClientText.time(event["sent_at"]) ?? sharedSentAt)
            return .event(try IncomingEvent(try parts(event, index), clock))
        } catch {
            return .rejected(eventID: ClientText.id(event["uuid"]), error.told(in: Self.names))
        }
    }

    private func parts(_ event: JSONSlice, _ index: Int) throws(EventRejection) -> EventParts {
        let properties = event["properties"]
        if let properties, properties.kind != .object, properties.kind != .null {
            throw .field("properties", "invalid_properties", "'properties' is a JSON object.")
        }
        let source = ObjectBuilder(event, without: Self.wrapping).object?.bytes ?? event.bytes
        let name = try EventChecks.text(event["event"]?.string, "event", maximum: 200)
        let told = ClientText.time(event["timestamp"])
        let eventID =
            (ClientText.id(event["uuid"]) ?? ClientText.id(properties?["$insert_id"]))
            .map { ClientText.eventID($0) }
            ?? ClientText.eventID(
                of: source, isTimed: told != nil, receivedAt: receivedAt, at: index)
        var parts = EventParts(
            type: Self.known[name] ?? EventNames.type(for: name), eventID: eventID,
            occurredAt: told ?? receivedAt, source: source)
        if parts.type != name { parts.told.append(("event", EncodedJSON(text: name))) }
        if told == nil, let time = event["timestamp"], time.kind != .null {
            parts.told.append(("timestamp", EncodedJSON(time)))
        }
        Self.name(&parts, event, properties)
        parts.campaignID = properties?["campaign_id"]?.string.flatMap { CampaignID($0) }
        parts.subject = PurchaseFacts.subject(of: parts.type, properties)
        Self.fill(&parts, event, properties)
        return parts
    }

    /// Who it was. One id stands for persons and visitors there; clients say in other fields which.
    private static func name(
        _ parts: inout EventParts, _ event: JSONSlice, _ properties: JSONSlice?
    ) {
        let distinct =
            ClientText.id(event["distinct_id"]) ?? ClientText.id(properties?["distinct_id"])
        if parts.type == "alias", let alias = ClientText.id(properties?["alias"]) {
            (parts.externalID, parts.anonymousID) = (alias, distinct)
            return
        }
        func says(_ name: String, _ value: String) -> Bool {
            properties?[name].map { String(decoding: $0.bytes, as: UTF8.self) == value } ?? false
        }
        let isVisitor =
            says("$is_identified", "false") || says("$process_person_profile", "false")
            || event["options"]?["process_person_profile"]?.value.bool == false
            || (distinct != nil && ClientText.id(properties?["$device_id"]) == distinct)
        if isVisitor {
            parts.anonymousID = distinct
        } else {
            parts.externalID = distinct
            parts.anonymousID =
                ClientText.id(properties?["$anon_distinct_id"])
                ?? ClientText.id(properties?["$device_id"])
        }
    }

    /// Names that begin with `$` are the client's own, and go into the context; the address of the
    /// device is not kept.
    private static func fill(
        _ parts: inout EventParts, _ event: JSONSlice, _ properties: JSONSlice?
    ) {
        var (own, said) = (ObjectBuilder(), ObjectBuilder())
        for (name, value) in properties?.members ?? [] {
            switch name {
            case "$ip", "$set", "$set_once", "token", "api_key": continue
            default:
                if name.utf8.first == UInt8(ascii: "$") {
                    said.set(name, EncodedJSON(value))
                } else {
                    own.set(name, EncodedJSON(value))
                }
            }
        }
        if let amount = PurchaseFacts.amount(of: parts.type, properties) {
            own.set("amount", amount)
        }
        var traits = ObjectBuilder()
        for carrier in [event, properties] {
            traits.merge(carrier?["$set_once"])
        }
        for carrier in [event, properties] {
            traits.merge(carrier?["$set"])
        }
        parts.properties = own.object
        parts.traits = traits.object
        parts.address = properties?["$ip"]?.string
        said.set("$session_id", event["session_id"])
        said.set("$window_id", event["window_id"])
        if let said = said.object { parts.context.append(("posthog", said)) }
    }
}
