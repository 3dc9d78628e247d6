package import HTTPKit
package import Kernel

/// What notification-service does for the other services.
package enum NotificationContracts {
    /// Renders and queues one message. The same idempotency key gives the first answer again; the
    /// message is sent at least once, with one stable id.
    package static let send = Endpoint<SendNotificationRequest, SendNotificationResponse>(
        path: "/internal/notifications/send", safety: .keyed)
}

/// The types of the messages that notification-service publishes; the data is a
/// `NotificationChange`.
package enum NotificationMessage {
    package static let sent = "notification.sent"
    package static let failed = "notification.failed"

    package static let all: Set<String> = [sent, failed]
}

/// How a message reaches a person.
package enum NotificationChannel: String, Sendable, Codable, CaseIterable {
    case email
}

package struct SendNotificationRequest: Sendable, Codable {
    package let clientID: ClientID
    package let campaignID: CampaignID?
    package let runID: RunID?
    /// Whom it is for; the address comes from the profile's trusted traits.
    package let participantID: ParticipantID
    package let channel: NotificationChannel
    /// The template's key; its published version counts, or the built-in one of that key.
    package let template: String
    /// An object (`referral.url`, `reward.amount`); `participant.…` is added from the profile.
    package let variables: JSONValue

    package init(
        clientID: ClientID, campaignID: CampaignID?, runID: RunID?, participantID: ParticipantID,
        channel: NotificationChannel, template: String, variables: JSONValue
    ) {
        self.clientID = clientID
        self.campaignID = campaignID
        self.runID = runID
        self.participantID = participantID
        self.channel = channel
        self.template = template
        self.variables = variables
    }

    private enum CodingKeys: String, CodingKey {
        case channel, template, variables
        case clientID = "client_id"
        case campaignID = "campaign_id"
        case runID = "run_id"
        case participantID = "participant_id"
    }
}

/// What became of a message at the time of the answer.
package struct SendNotificationResponse: Sendable, Codable, Hashable {
    package enum Outcome: String, Sendable, Codable {
        /// It is stored and will be sent.
        case queued
        /// It is stored and will not be sent; `reason` says why (`no_address`, `suppressed`,
        /// `missing_variable`, `unknown_template`).
        case refused
    }

    package let notificationID: NotificationID
    package let outcome: Outcome
    package let reason: String?

    package init(notificationID: NotificationID, outcome: Outcome, reason: String?) {
        self.notificationID = notificationID
        self.outcome = outcome
        self.reason = reason
    }

    private enum CodingKeys: String, CodingKey {
        case outcome, reason
        case notificationID = "notification_id"
    }
}

/// How the sending of a message ended.
package struct NotificationChange: Sendable, Codable, Hashable {
    package let notificationID: NotificationID
    package let participantID: ParticipantID
    package let channel: NotificationChannel
    package let template: String
    /// Why it failed; nil when it was sent.
    package let reason: String?

    package init(
        notificationID: NotificationID, participantID: ParticipantID,
        channel: NotificationChannel, template: String, reason: String?
    ) {
        self.notificationID = notificationID
        self.participantID = participantID
        self.channel = channel
        self.template = template
        self.reason = reason
    }

    private enum CodingKeys: String, CodingKey {
        case channel, template, reason
        case notificationID = "notification_id"
        case participantID = "participant_id"
    }
}
