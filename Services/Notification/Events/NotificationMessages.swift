import Contracts
import Kernel

/// Writes the messages that tell how the sending of a message ended.
struct NotificationMessages: Sendable {
    /// The id is the notification's with the end, so that a repeat is the same message.
    func ended(
        _ change: NotificationChange, of client: ClientID, campaign: CampaignID?,
        traceparent: String?, at time: Timestamp
    ) -> LogMessage {
        let type = change.reason == nil ? NotificationMessage.sent : NotificationMessage.failed
        var data: [String: JSONValue] = [
            "notification_id": .string(change.notificationID.description),
            "participant_id": .string(change.participantID.description),
            "channel": .string(change.channel.rawValue),
            "template": .string(change.template),
        ]
        if let reason = change.reason { data["reason"] = .string(reason) }
        return LogMessage(
            id: "\(change.notificationID)/\(change.reason == nil ? "sent" : "failed")",
            type: type, clientID: client, campaignID: campaign,
            subject: change.participantID.description, occurredAt: time, data: .object(data),
            traceparent: traceparent)
    }
}
