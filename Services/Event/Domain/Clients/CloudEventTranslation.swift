import HTTPKit
import Kernel
import SecurityKit

/// Reads CloudEvents 1.0 as events of ours.
///
/// Who it was is not part of that format: the extension attributes `participantid` and
/// `anonymousid` say it, or `participant_id` and `anonymous_id` in the data.
struct CloudEventTranslation: Sendable {
    private static let names: [(ours: String, theirs: String)] = [
        ("event_id", "id"), ("occurred_at", "time"),
    ]
    /// Attributes that become parts of the event; the others are kept in its context.
    private static let taken: Set = [
        "id", "type", "time", "subject", "specversion", "participantid", "anonymousid",
        "campaignid", "data", "data_base64", "traceparent", "tracestate",
    ]

    let receivedAt: Timestamp

    /// An event in JSON format, alone or in a batch.
    func read(_ event: JSONSlice) -> EventReading {
        do throws(EventRejection) {
            guard event.kind == .object else { throw .notAnObject }
            try EventChecks.size(event.bytes.count)
            var attributes: [(name: String, value: String)] = []
            for (name, value) in event.members where name != "data" && name != "data_base64" {
                guard value.kind != .null else { continue }
                attributes.append((name, try Self.text(value, name)))
            }
            let data: CloudEventData? =
                if let data = event["data"], data.kind != .null {
                    .json(data)
                } else if let packed = event["data_base64"]?.string {
                    .base64(packed)
                } else {
                    nil
                }
            return try read(attributes, data, source: event.bytes)
        } catch {
            return .rejected(eventID: nil, error.told(in: Self.names))
        }
    }

    /// An event in binary mode: attributes from headers, data from the body.
    func read(
        _ attributes: [(name: String, value: String)], _ data: CloudEventData?,
        body: [UInt8]
    ) -> EventReading {
        do throws(EventRejection) {
            let source = attributes.map { ($0.name, EncodedJSON(text: $0.value)) }
            return try read(
                attributes, data, source: EncodedJSON(object: source).bytes + body)
        } catch {
            return .rejected(eventID: nil, error.told(in: Self.names))
        }
    }

    private func read(
        _ attributes: [(name: String, value: String)], _ data: CloudEventData?,
        source: ArraySlice<UInt8>
    ) throws(EventRejection) -> EventReading {
        let said = Dictionary(attributes.map { ($0.name, $0.value) }) { first, _ in first }
        guard said["specversion"] == "1.0" else {
            throw .field("specversion", "invalid_specversion", "'specversion' is 1.0.")
        }
        func required(_ name: String) throws(EventRejection) -> String {
            guard let text = said[name], !text.isEmpty else {
                throw .field(name, "required", "'\(name)' is required.")
            }
            return text
        }
        let (id, origin, name) = (
            try required("id"), try required("source"), try required("type")
        )
        // A source is a URI reference, so the first space ends it.
        var parts = EventParts(
            type: EventNames.type(for: name), eventID: ClientText.eventID("\(origin) \(id)"),
            occurredAt: try Self.time(said["time"]) ?? receivedAt, source: source)
        let properties = data?.object
        parts.externalID = said["participantid"] ?? ClientText.id(properties?["participant_id"])
        parts.anonymousID = said["anonymousid"] ?? ClientText.id(properties?["anonymous_id"])
        parts.campaignID = (said["campaignid"] ?? properties?["campaign_id"]?.string)
            .flatMap { CampaignID($0) }
        parts.subject = said["subject"] ?? PurchaseFacts.subject(of: parts.type, properties)
        parts.properties = data?.properties
        if parts.type != name { parts.told.append(("event", EncodedJSON(text: name))) }
        let rest = attributes.filter { !Self.taken.contains($0.name) }
        var context = ObjectBuilder()
        for (name, value) in rest { context.set(name, EncodedJSON(text: value)) }
        parts.context = context.object.map { [("cloudevent", $0)] } ?? []
        return .event(try IncomingEvent(parts, SenderClock(receivedAt: receivedAt)))
    }

    /// Attributes are strings, whole numbers or booleans.
    private static func text(
        _ value: JSONSlice, _ name: String
    ) throws(EventRejection) -> String {
        switch value.kind {
        case .string: return value.string ?? ""
        case .number, .boolean: return String(decoding: value.bytes, as: UTF8.self)
        default:
            throw .field(
                String(name.prefix(100)), "invalid_attribute",
                "An attribute is a string, a number or a boolean.")
        }
    }

    private static func time(_ text: String?) throws(EventRejection) -> Timestamp? {
        guard let text else { return nil }
        guard let time = Timestamp(text) else {
            throw .field(
                "time", "invalid_time", "'time' is a time such as 2026-01-31T09:30:00.000Z.")
        }
        return time
    }
}

/// What a CloudEvent carries.
enum CloudEventData: Sendable {
    case json(JSONSlice)
    /// Of another type than JSON.
    case text(String)
    case base64(String)

    fileprivate var object: JSONSlice? {
        if case .json(let value) = self, value.kind == .object { value } else { nil }
    }

    /// An object as it is; anything else as its member `data`.
    fileprivate var properties: EncodedJSON {
        switch self {
        case .json(let value):
            value.kind == .object
                ? EncodedJSON(value) : EncodedJSON(object: [("data", EncodedJSON(value))])
        case .text(let text): EncodedJSON(object: [("data", EncodedJSON(text: text))])
        case .base64(let text): EncodedJSON(object: [("data_base64", EncodedJSON(text: text))])
        }
    }
}
