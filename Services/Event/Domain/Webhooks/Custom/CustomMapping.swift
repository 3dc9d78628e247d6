import Kernel

/// Where the fields of an event are in somebody's body.
struct CustomMapping: Sendable, Codable {
    /// Where one field comes from: one of the three.
    struct Source: Sendable, Codable {
        /// A JSON pointer into the body.
        let pointer: String?
        /// Always this.
        let value: JSONValue?
        /// A header, only for the type and the id: nothing else of the headers is signed.
        let header: String?

        init(pointer: String? = nil, value: JSONValue? = nil, header: String? = nil) {
            self.pointer = pointer
            self.value = value
            self.header = header
        }
    }

    struct EventType: Sendable, Codable {
        let pointer: String?
        let value: String?
        let header: String?
        /// The sender's names and ours; a name that is not here is ignored. Without a table the
        /// sender's name is the type.
        let types: [String: String]?

        init(
            pointer: String? = nil, value: String? = nil, header: String? = nil,
            types: [String: String]? = nil
        ) {
            self.pointer = pointer
            self.value = value
            self.header = header
            self.types = types
        }
    }

    struct Money: Sendable, Codable {
        enum Form: String, Sendable, Codable, CaseIterable {
            /// `19.99`
            case decimal
            /// Whole units of the asset: `1999`.
            case units
        }

        let value: Source
        let asset: Source
        /// Decimal unless said otherwise.
        let form: Form?

        init(value: Source, asset: Source, form: Form? = nil) {
            self.value = value
            self.asset = asset
            self.form = form
        }
    }

    struct Referral: Sendable, Codable {
        let clickID: Source?
        let code: Source?

        private enum CodingKeys: String, CodingKey {
            case code
            case clickID = "click_id"
        }
    }

    let event: EventType
    /// `webhook-id` of Standard Webhooks unless said otherwise.
    let eventID: Source?
    /// The time of receipt unless said otherwise.
    let occurredAt: Source?
    let participantID: Source?
    let anonymousID: Source?
    let campaignID: Source?
    let subject: Source?
    let amount: Money?
    let referral: Referral?
    let traits: [String: Source]?
    let properties: [String: Source]?

    private enum CodingKeys: String, CodingKey {
        case event, subject, amount, referral, traits, properties
        case eventID = "event_id"
        case occurredAt = "occurred_at"
        case participantID = "participant_id"
        case anonymousID = "anonymous_id"
        case campaignID = "campaign_id"
    }

    init(
        event: EventType, eventID: Source? = nil, occurredAt: Source? = nil,
        participantID: Source? = nil, anonymousID: Source? = nil, campaignID: Source? = nil,
        subject: Source? = nil, amount: Money? = nil, referral: Referral? = nil,
        traits: [String: Source]? = nil, properties: [String: Source]? = nil
    ) {
        self.event = event
        self.eventID = eventID
        self.occurredAt = occurredAt
        self.participantID = participantID
        self.anonymousID = anonymousID
        self.campaignID = campaignID
        self.subject = subject
        self.amount = amount
        self.referral = referral
        self.traits = traits
        self.properties = properties
    }
}
