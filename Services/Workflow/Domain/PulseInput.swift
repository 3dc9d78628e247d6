import Contracts
import Kernel
import SecurityKit

/// What a run is told at its start. Kept for as long as the run.
struct PulseInput: Sendable, Codable, Hashable {
    /// The longest subject that stands in the run's key as it is, in bytes.
    private static let maximumPlainSubjectBytes = 200

    let clientID: ClientID
    let campaignID: CampaignID
    /// The run stays on it, whatever becomes of the campaign.
    let revision: Int
    let pulse: Pulse
    let participantID: ParticipantID
    let subject: String
    /// What rules may know of the event that started the run, as JSON text: numbers keep the form
    /// in which the client wrote them, however large.
    let event: String
    /// Where that event stands: whoever is asked must have seen it.
    let position: LogPosition
    /// When it happened, on the client's business clock; nil in runs from before it was kept.
    let occurredAt: Timestamp?
    /// What the campaign's revision promises; nil in runs that ask for it themselves.
    var plan: PulsePlan?

    /// What makes the run the only one of its pulse within the client.
    var keyName: String {
        guard subject.utf8.count > Self.maximumPlainSubjectBytes else {
            return "\(campaignID)/\(subject)"
        }
        return "\(campaignID)/sha256:\(Hex.encode(Digest.sha256(Array(subject.utf8))))"
    }
}
