import Contracts
import Kernel

/// Where a message to a person stands.
enum NotificationStatus: String, Sendable, Codable, CaseIterable {
    case queued, sending, sent, failed, refused
}

/// One message to a person, as it is kept.
struct NotificationRecord: Sendable {
    let id: NotificationID
    let campaignID: CampaignID?
    let runID: RunID?
    let participantID: ParticipantID
    let channel: NotificationChannel
    let template: String
    /// 0 for the built-in one; nil when there was none.
    let templateVersion: Int?
    let status: NotificationStatus
    let reason: String?
    let attempts: Int
    let unknownAttempts: Int
    let createdAt: Timestamp
    let finishedAt: Timestamp?
    /// People's data; nil when it was never made or its retention is over.
    let address: String?
    let content: RenderedMessage?
}

/// One try to hand a message over.
struct AttemptRecord: Sendable, Encodable {
    let attempt: Int
    let status: String
    /// The other side's code, or a word for what happened.
    let code: String?
    let startedAt: Timestamp
    let finishedAt: Timestamp?

    private enum CodingKeys: String, CodingKey {
        case attempt, status, code
        case startedAt = "started_at"
        case finishedAt = "finished_at"
    }
}

/// A message about to be stored.
struct NewNotification: Sendable {
    let id: NotificationID
    let clientID: ClientID
    let requestKey: String
    let fingerprint: [UInt8]
    let request: SendNotificationRequest
    let templateVersion: Int?
    /// Nil refuses it, and `reason` says why.
    let mail: (address: EmailAddress, hash: [UInt8], content: RenderedMessage)?
    let reason: String?
    let traceparent: String?
    let at: Timestamp

    /// The same, refused.
    func refused(_ reason: String) -> NewNotification {
        NewNotification(
            id: id, clientID: clientID, requestKey: requestKey, fingerprint: fingerprint,
            request: request, templateVersion: templateVersion, mail: nil, reason: reason,
            traceparent: traceparent, at: at)
    }

    var response: SendNotificationResponse {
        SendNotificationResponse(
            notificationID: id, outcome: mail == nil ? .refused : .queued, reason: reason)
    }
}
