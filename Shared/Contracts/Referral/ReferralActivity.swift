package import Kernel

/// The data of every message of referral-service: one step on the way from share to conversion.
package struct ReferralActivity: Sendable, Codable, Hashable {
    package let linkID: LinkID
    package let code: String
    /// Whose link it is.
    package let referrerID: ParticipantID
    /// Who was brought; nil while only a visitor is known.
    package let participantID: ParticipantID?
    /// The click that it rests on, when there was one.
    package let clickID: ClickID?
    /// Where it was shared (`email`, `x`), as the client says.
    package let channel: String?
    package let conversionID: ConversionID?
    package let kind: ConversionKind?
    /// What was achieved, for a conversion.
    package let subject: String?
    package let value: Amount?

    package init(
        linkID: LinkID, code: String, referrerID: ParticipantID,
        participantID: ParticipantID? = nil, clickID: ClickID? = nil, channel: String? = nil,
        conversionID: ConversionID? = nil, kind: ConversionKind? = nil, subject: String? = nil,
        value: Amount? = nil
    ) {
        self.linkID = linkID
        self.code = code
        self.referrerID = referrerID
        self.participantID = participantID
        self.clickID = clickID
        self.channel = channel
        self.conversionID = conversionID
        self.kind = kind
        self.subject = subject
        self.value = value
    }

    private enum CodingKeys: String, CodingKey {
        case code, channel, kind, subject, value
        case linkID = "link_id"
        case referrerID = "referrer_id"
        case participantID = "participant_id"
        case clickID = "click_id"
        case conversionID = "conversion_id"
    }
}
