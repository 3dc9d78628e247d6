package import HTTPKit
package import Kernel

/// What referral-service does for the other services.
package enum ReferralContracts {
    /// The participant's link in a campaign, made on the first call. One per campaign and
    /// participant, whatever the idempotency key.
    package static let issueLink = Endpoint<IssueReferralLinkRequest, ReferralLink>(
        path: "/internal/links/issue", safety: .keyed)

    /// Judges a sign-up or purchase and, when it counts, books the conversion. One conversion per
    /// campaign, kind and subject, however many messages tell of it.
    package static let checkConversion = Endpoint<CheckConversionRequest, ConversionDecision>(
        path: "/internal/conversions/check", safety: .keyed)
}

/// The types of the messages that referral-service publishes; the data is a `ReferralActivity`.
package enum ReferralMessage {
    package static let linkIssued = "referral.link_issued"
    package static let shared = "referral.shared"
    package static let clicked = "referral.clicked"
    package static let attributed = "referral.attributed"
    package static let converted = "referral.converted"

    package static let all: Set<String> = [linkIssued, shared, clicked, attributed, converted]
}

package struct IssueReferralLinkRequest: Sendable, Codable {
    package let clientID: ClientID
    package let campaignID: CampaignID
    /// Whose link it is: the referrer-to-be.
    package let participantID: ParticipantID

    package init(clientID: ClientID, campaignID: CampaignID, participantID: ParticipantID) {
        self.clientID = clientID
        self.campaignID = campaignID
        self.participantID = participantID
    }

    private enum CodingKeys: String, CodingKey {
        case clientID = "client_id"
        case campaignID = "campaign_id"
        case participantID = "participant_id"
    }
}

/// A participant's code and the address that carries it.
package struct ReferralLink: Sendable, Codable, Hashable {
    package let linkID: LinkID
    package let campaignID: CampaignID
    package let participantID: ParticipantID
    /// What people can say and type; unique in the whole installation.
    package let code: String
    /// `<public address of the gateway>/r/<code>`.
    package let url: String

    package init(
        linkID: LinkID, campaignID: CampaignID, participantID: ParticipantID, code: String,
        url: String
    ) {
        self.linkID = linkID
        self.campaignID = campaignID
        self.participantID = participantID
        self.code = code
        self.url = url
    }

    private enum CodingKeys: String, CodingKey {
        case code, url
        case linkID = "link_id"
        case campaignID = "campaign_id"
        case participantID = "participant_id"
    }
}

/// What a conversion is made of.
package enum ConversionKind: String, Sendable, Codable, CaseIterable {
    case signup, purchase
}

package struct CheckConversionRequest: Sendable, Codable {
    package let clientID: ClientID
    /// The campaign that asks; its attribution window counts.
    package let campaignID: CampaignID
    package let revision: Int
    package let kind: ConversionKind
    /// Who signed up or bought.
    package let participantID: ParticipantID
    /// What was achieved: the participant for a sign-up, the order for a purchase.
    package let subject: String
    /// When it happened, by the client's business clock.
    package let occurredAt: Timestamp
    /// What it was worth, when the event said so.
    package let value: Amount?
    package let runID: RunID?
    /// True to judge without booking.
    package let dryRun: Bool

    package init(
        clientID: ClientID, campaignID: CampaignID, revision: Int, kind: ConversionKind,
        participantID: ParticipantID, subject: String, occurredAt: Timestamp, value: Amount?,
        runID: RunID?, dryRun: Bool = false
    ) {
        self.clientID = clientID
        self.campaignID = campaignID
        self.revision = revision
        self.kind = kind
        self.participantID = participantID
        self.subject = subject
        self.occurredAt = occurredAt
        self.value = value
        self.runID = runID
        self.dryRun = dryRun
    }

    private enum CodingKeys: String, CodingKey {
        case revision, kind, subject, value
        case clientID = "client_id"
        case campaignID = "campaign_id"
        case participantID = "participant_id"
        case occurredAt = "occurred_at"
        case runID = "run_id"
        case dryRun = "dry_run"
    }
}

/// Whether somebody brought this participant, and everything that led to the answer.
package struct ConversionDecision: Sendable, Codable, Hashable {
    package enum Outcome: String, Sendable, Codable {
        /// A referrer's conversion, booked by this call or before for the same subject.
        case converted
        /// Nobody referred the participant, or not in time. Nothing wrong, nothing to book.
        case unattributed
        /// Somebody did, but it must not count (`self_referral`).
        case refused
    }

    package let outcome: Outcome
    /// Names the stored decision; nil for a dry run.
    package let decisionID: String?
    /// Set when the outcome is `converted`.
    package let conversionID: ConversionID?
    /// Whose link it was; set when the outcome is `converted`.
    package let referrerID: ParticipantID?
    package let linkID: LinkID?
    /// Every check in the order it was made (`attributed`, `within_window`, `not_self_referral`).
    package let checks: [EligibilityCheck]

    package init(
        outcome: Outcome, decisionID: String?, conversionID: ConversionID?,
        referrerID: ParticipantID?, linkID: LinkID?, checks: [EligibilityCheck]
    ) {
        self.outcome = outcome
        self.decisionID = decisionID
        self.conversionID = conversionID
        self.referrerID = referrerID
        self.linkID = linkID
        self.checks = checks
    }

    private enum CodingKeys: String, CodingKey {
        case outcome, checks
        case decisionID = "decision_id"
        case conversionID = "conversion_id"
        case referrerID = "referrer_id"
        case linkID = "link_id"
    }
}
