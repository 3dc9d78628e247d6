import Contracts
import Kernel

/// Whether an event starts a run of a campaign, and why not. Pure.
enum TriggerMatch {
    /// What other services keep of a subject, in characters.
    private static let maximumSubjectLength = 200

    /// Judges the event by the campaign as it stood at the event's position.
    ///
    /// - Parameter businessNow: the client's business time at which the event was taken.
    static func judge(
        _ event: LogEvent, _ campaign: CampaignDefinition, businessNow: Timestamp
    ) -> TriggerVerdict {
        if let named = event.campaignID, named != campaign.campaignID {
            return .passes(.otherCampaign)
        }
        let triggers = campaign.triggers.filter { $0.event == event.type }
        guard !triggers.isEmpty else { return .passes(.otherEvent) }
        guard campaign.status == .active else { return .passes(.notActive) }
        guard isInPeriod(campaign, businessNow) else { return .passes(.outsidePeriod) }
        guard let participant = event.participant?.participantID else {
            return .passes(.noParticipant)
        }
        let trusted = triggers.filter { event.trust >= $0.minimumTrust }
        guard !trusted.isEmpty else { return .passes(.notTrusted) }
        let facts: JSONValue = ["event": EventFacts.of(event)]
        guard trusted.contains(where: { $0.condition?.evaluate(facts).passed ?? true }) else {
            return .passes(.conditionNotMet)
        }
        return .starts(participant, subject: subject(of: campaign.pulse, participant, event))
    }

    /// The start is included, the end is not.
    private static func isInPeriod(_ campaign: CampaignDefinition, _ now: Timestamp) -> Bool {
        (campaign.startsAt.map { $0 <= now } ?? true) && (campaign.endsAt.map { now < $0 } ?? true)
    }

    /// What was achieved, whichever message told us of it: one run per campaign and subject.
    private static func subject(
        of pulse: Pulse, _ participant: ParticipantID, _ event: LogEvent
    ) -> String {
        switch pulse {
        // Somebody signs up once, however many events tell of it.
        case .signup: participant.description
        // One order, whether the shop, a payment provider or the page tells of it.
        case .conversion:
            event.subject.flatMap(bounded) ?? orderID(of: event) ?? event.eventID
        }
    }

    /// The order's id, which some write as a number.
    private static func orderID(of event: LogEvent) -> String? {
        switch event.properties["order_id"] {
        case .string(let order): bounded(order)
        case .number(let number): number.isWhole ? bounded(number.text) : nil
        default: nil
        }
    }

    /// What can be kept as a subject; nil for anything else.
    private static func bounded(_ text: String) -> String? {
        let isFit =
            (1...maximumSubjectLength).contains(text.unicodeScalars.count)
            && !text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
        return isFit ? text : nil
    }
}

extension JSONNumber {
    /// Whether it is written as a whole number that is not negative.
    fileprivate var isWhole: Bool { text.utf8.allSatisfy { (48...57).contains($0) } }
}

/// What an event means for one campaign.
enum TriggerVerdict: Sendable, Hashable {
    case starts(ParticipantID, subject: String)
    case passes(TriggerRefusal)
}

/// Why an event starts nothing.
enum TriggerRefusal: String, Sendable, Hashable, CaseIterable {
    /// It names another campaign.
    case otherCampaign = "other_campaign"
    /// It is of a type that the campaign does not wait for.
    case otherEvent = "other_event"
    case notActive = "not_active"
    case outsidePeriod = "outside_period"
    /// Nobody is known who could be rewarded.
    case noParticipant = "no_participant"
    /// It is believed less than the trigger asks for.
    case notTrusted = "not_trusted"
    case conditionNotMet = "condition_not_met"
}

/// What rules may know of an event.
enum EventFacts {
    static func of(_ event: LogEvent) -> JSONValue {
        var facts: [String: JSONValue] = [
            "type": .string(event.type),
            "event_id": .string(event.eventID),
            "trust": .string(event.trust.rawValue),
            "occurred_at": .string(event.occurredAt.description),
            "properties": event.properties,
        ]
        if let subject = event.subject { facts["subject"] = .string(subject) }
        if let campaign = event.campaignID { facts["campaign_id"] = .string(campaign.description) }
        return .object(facts)
    }
}
