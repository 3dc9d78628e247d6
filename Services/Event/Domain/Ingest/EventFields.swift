import Contracts
import HTTPKit
import Kernel

/// The members of an event: its own, which are taken out one by one, and those of its context.
struct EventFields {
    /// The members that are no part of the context.
    enum Own: Int, CaseIterable {
        case type, eventID, occurredAt, externalID, anonymousID, campaignID, subject
        case traits, properties, address
        /// Written by the service alone.
        case told, enriched

        static let names = JSONNames(allCases.map(\.name))

        var name: String {
            switch self {
            case .type: "event"
            case .eventID: "event_id"
            case .occurredAt: "occurred_at"
            case .externalID: "participant_id"
            case .anonymousID: "anonymous_id"
            case .campaignID: "campaign_id"
            case .subject: "subject"
            case .traits: "traits"
            case .properties: "properties"
            case .address: "ip"
            case .told: IncomingEvent.toldName
            case .enriched: Enricher.name
            }
        }
    }

    private let event: JSONSlice
    /// By the number of the name.
    private let places: InlineArray<12, JSONSlice.Place?>
    /// What else the sender said, in its order.
    let context: [EncodedJSON.Member]

    /// - Parameter last: the context of the event before, which often says the same, word for
    ///   word: then it is taken over, and nothing built.
    init(_ event: JSONSlice, after last: [EncodedJSON.Member]) {
        self.event = event
        var places = InlineArray<12, JSONSlice.Place?>(repeating: nil)
        var sameCount = 0
        var differing: [EncodedJSON.Member]?
        let before = last.span
        event.forEachMember(among: Own.names) { place, own in
            if let own {
                places[own] = place
                return
            }
            if differing == nil {
                if sameCount < before.count, event.isNamed(before[sameCount].name, at: place),
                    before[sameCount].value.isSame(as: event, at: place)
                {
                    sameCount += 1
                    return
                }
                differing = Array(last[..<sameCount])
            }
            differing?.append((event.name(at: place), EncodedJSON(event[place])))
        }
        self.places = places
        context = differing ?? (sameCount == last.count ? last : Array(last[..<sameCount]))
    }

    /// A member of the event's own; an explicit null counts as absent.
    private func value(_ own: Own) -> JSONSlice? {
        guard let place = places[own.rawValue] else { return nil }
        let value = event[place]
        return value.kind == .null ? nil : value
    }

    /// A member of the context; an explicit null counts as absent.
    func said(_ name: String) -> JSONSlice? {
        guard let value = context.first(where: { $0.name == name })?.value.slice,
            value.kind != .null
        else { return nil }
        return value
    }

    func saidText(_ name: String, maximum: Int) throws(EventRejection) -> String? {
        guard let value = said(name) else { return nil }
        return try EventChecks.text(value.string, name, maximum: maximum)
    }

    func text(_ own: Own, maximum: Int) throws(EventRejection) -> String? {
        guard let value = value(own) else { return nil }
        return try EventChecks.text(value.string, own.name, maximum: maximum)
    }

    func requiredText(_ own: Own, maximum: Int) throws(EventRejection) -> String {
        guard let text = try text(own, maximum: maximum) else { throw Self.required(own) }
        return text
    }

    /// A text that is there whatever it is like.
    func anyText(_ own: Own) -> String? { value(own)?.string }

    func time(_ own: Own) throws(EventRejection) -> Timestamp {
        guard let value = value(own) else { throw Self.required(own) }
        let text = try EventChecks.text(value.utf8, own.name, maximum: 40)
        guard let time = Timestamp(utf8: text) else {
            throw .field(
                own.name, "invalid_\(own.name)",
                "'\(own.name)' is a time such as 2026-01-31T09:30:00.000Z.")
        }
        return time
    }

    func campaign(_ own: Own) throws(EventRejection) -> CampaignID? {
        guard let text = try text(own, maximum: 100) else { return nil }
        guard let campaign = CampaignID(text) else {
            throw .field(
                own.name, "invalid_\(own.name)",
                "'\(own.name)' is an id that begins with 'cmp_'.")
        }
        return campaign
    }

    func object(_ own: Own) throws(EventRejection) -> EncodedJSON? {
        guard let value = value(own) else { return nil }
        guard value.kind == .object else {
            throw .field(own.name, "invalid_\(own.name)", "'\(own.name)' is a JSON object.")
        }
        return EncodedJSON(value)
    }

    private static func required(_ own: Own) -> EventRejection {
        .field(own.name, "required", "'\(own.name)' is required.")
    }
}
