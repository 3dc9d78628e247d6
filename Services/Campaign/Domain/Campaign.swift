import Contracts
import Kernel

/// A campaign as it stands: the revision in force and where it is in its life.
struct Campaign: Sendable, Hashable {
    let definition: CampaignDefinition
    /// Counts every change, from 1; names the message that tells of it.
    let version: Int
    let createdAt: Timestamp
    let updatedAt: Timestamp
    let activatedAt: Timestamp?

    /// The id of the message that tells of this version.
    var messageID: String { "\(definition.campaignID)/\(version)" }
}

extension Campaign: Codable {
    private enum CodingKeys: String, CodingKey {
        case version
        case createdAt = "created_at"
        case updatedAt = "updated_at"
        case activatedAt = "activated_at"
    }

    init(from decoder: any Decoder) throws {
        definition = try CampaignDefinition(from: decoder)
        let container = try decoder.container(keyedBy: CodingKeys.self)
        version = try container.decode(Int.self, forKey: .version)
        createdAt = try container.decode(Timestamp.self, forKey: .createdAt)
        updatedAt = try container.decode(Timestamp.self, forKey: .updatedAt)
        activatedAt = try container.decodeIfPresent(Timestamp.self, forKey: .activatedAt)
    }

    /// One flat object: the definition and what is known of it besides.
    func encode(to encoder: any Encoder) throws {
        try definition.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(version, forKey: .version)
        try container.encode(createdAt, forKey: .createdAt)
        try container.encode(updatedAt, forKey: .updatedAt)
        try container.encode(activatedAt, forKey: .activatedAt)
    }
}

/// Why a campaign could not be had or changed.
enum CampaignFailure: Error, Sendable, Hashable {
    case notFound
    case notPossible(CampaignAction, in: CampaignStatus)
    case notEditable(CampaignStatus)
    /// The caller changed another revision than the one in force.
    case otherRevision(inForce: Int)
    /// Once a campaign was active its pulse stays.
    case otherPulse(Pulse)
    /// The period is over before it could begin.
    case periodOver(Timestamp)
}
