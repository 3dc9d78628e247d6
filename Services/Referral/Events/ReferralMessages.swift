import Contracts
import HTTPKit
import Kernel

/// Writes the messages that tell of what happens to links.
struct ReferralMessages: Sendable {
    let ids: any IDGenerator

    /// A message; written with what it tells of, so its id may be new each time.
    ///
    /// - Parameters:
    ///   - subject: the id of what it is about.
    ///   - traceparent: the trace that it belongs to.
    func message(
        _ type: String, _ activity: ReferralActivity, of client: ClientID, campaign: CampaignID,
        subject: String, at time: Timestamp,
        traceparent: String? = TraceContext.current?.traceparent
    ) throws -> LogMessage {
        LogMessage(
            id: ids.next(EventID.self).description, type: type, clientID: client,
            campaignID: campaign, subject: subject, occurredAt: time,
            data: try JSONCoding.parse(try JSONCoding.encode(activity)), traceparent: traceparent)
    }
}
