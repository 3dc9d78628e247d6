import Contracts
import Kernel

/// A link as the portal shows it.
struct LinkAnswer: Encodable, Sendable {
    let link: LinkRow
    let publicURL: String

    private enum CodingKeys: String, CodingKey {
        case code, url
        case linkID = "link_id"
        case campaignID = "campaign_id"
        case participantID = "participant_id"
        case issuedAt = "issued_at"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(link.linkID, forKey: .linkID)
        try container.encode(link.campaignID, forKey: .campaignID)
        try container.encode(link.participantID, forKey: .participantID)
        try container.encode(link.code, forKey: .code)
        try container.encode(link.contract(publicURL).url, forKey: .url)
        try container.encode(link.issuedAt, forKey: .issuedAt)
    }
}

/// An attribution as the portal shows it.
struct ReferralAnswer: Encodable, Sendable {
    let made: AttributionRow

    private enum CodingKeys: String, CodingKey {
        case code
        case referralID = "referral_id"
        case campaignID = "campaign_id"
        case referrerID = "referrer_id"
        case participantID = "participant_id"
        case linkID = "link_id"
        case clickID = "click_id"
        case touchedAt = "touched_at"
        case attributedAt = "attributed_at"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(made.attributionID, forKey: .referralID)
        try container.encode(made.campaignID, forKey: .campaignID)
        try container.encode(made.referrerID, forKey: .referrerID)
        try container.encode(made.participantID, forKey: .participantID)
        try container.encode(made.linkID, forKey: .linkID)
        try container.encode(made.code, forKey: .code)
        try container.encode(made.clickID, forKey: .clickID)
        try container.encode(made.touchedAt, forKey: .touchedAt)
        try container.encode(made.attributedAt, forKey: .attributedAt)
    }
}

/// A conversion as the portal shows it.
struct ConversionAnswer: Encodable, Sendable {
    let conversion: ConversionRow

    private enum CodingKeys: String, CodingKey {
        case kind, subject, value
        case conversionID = "conversion_id"
        case campaignID = "campaign_id"
        case campaignRevision = "campaign_revision"
        case participantID = "participant_id"
        case referrerID = "referrer_id"
        case linkID = "link_id"
        case clickID = "click_id"
        case runID = "run_id"
        case decisionID = "decision_id"
        case occurredAt = "occurred_at"
        case convertedAt = "converted_at"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(conversion.conversionID, forKey: .conversionID)
        try container.encode(conversion.campaignID, forKey: .campaignID)
        try container.encode(conversion.campaignRevision, forKey: .campaignRevision)
        try container.encode(conversion.kind, forKey: .kind)
        try container.encode(conversion.subject, forKey: .subject)
        try container.encode(conversion.participantID, forKey: .participantID)
        try container.encode(conversion.referrerID, forKey: .referrerID)
        try container.encode(conversion.linkID, forKey: .linkID)
        try container.encode(conversion.clickID, forKey: .clickID)
        try container.encode(conversion.value, forKey: .value)
        try container.encode(conversion.runID, forKey: .runID)
        try container.encode(conversion.decisionID, forKey: .decisionID)
        try container.encode(conversion.occurredAt, forKey: .occurredAt)
        try container.encode(conversion.convertedAt, forKey: .convertedAt)
    }
}
