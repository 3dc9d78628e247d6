import Contracts
import FoundationEssentials
import Kernel

/// What the columns of the archive say about an event beside its envelope.
///
/// Of services' messages it is what their contracts promise; anything that is not as promised is
/// left out here and stays readable in the properties.
struct EventFacts: Sendable, Hashable {
    /// Stands for "none" in columns of ids.
    static let noID = UUID.zero

    let isFromService: Bool
    let participantID: UUID
    let externalID: String
    let anonymousID: String
    let referrerID: UUID
    let code: String
    let clickID: String
    /// What it is within its type: a conversion's kind, a run's outcome, a reward's role, a
    /// notification's template.
    let kind: String
    let channel: String
    let subject: String
    let amount: Amount?

    init(_ event: LogEvent) {
        isFromService = event.trust == .internal
        subject = event.subject ?? ""
        let source = isFromService ? event.content : event.origin?.member("referral")
        code = source?.member("code")?.string ?? ""
        clickID = source?.member("click_id")?.string ?? ""
        if isFromService {
            let data = event.properties
            participantID = Self.participant(data["participant_id"])
            externalID = ""
            anonymousID = ""
            referrerID = Self.participant(data["referrer_id"])
            kind =
                Self.text(data, ["kind", "outcome", "role", "template"])
            channel = data["channel"]?.string ?? ""
            amount = Self.amount(data["amount"]) ?? Self.amount(data["value"])
        } else {
            participantID = event.participant?.participantID?.uuid ?? Self.noID
            externalID = event.participant?.externalID ?? ""
            anonymousID = event.participant?.anonymousID ?? ""
            referrerID = Self.noID
            kind = ""
            channel = event.content.member("channel")?.string ?? ""
            amount = Self.amount(event.content.member("amount")?.value)
        }
    }

    private static func participant(_ value: JSONValue?) -> UUID {
        value?.string.flatMap { ParticipantID($0) }?.uuid ?? noID
    }

    private static func text(_ data: JSONValue, _ names: [String]) -> String {
        for name in names {
            if let text = data[name]?.string { return text }
        }
        return ""
    }

    private static func amount(_ value: JSONValue?) -> Amount? {
        guard let text = value?["units"]?.string, text.utf8.count <= 39,
            let units = Int128(text), let asset = value?["asset"]?.string.flatMap({ Asset($0) })
        else { return nil }
        return try? Amount(units: units, asset: asset)
    }
}
