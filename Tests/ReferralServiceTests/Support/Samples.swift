import Contracts
import FoundationEssentials
import Kernel
import SecurityKit

/// A campaign with referral links.
func sampleCampaign(
    _ client: ClientID, id: CampaignID = CampaignID(UUID()), revision: Int = 1,
    status: CampaignStatus = .active, endsAt: Timestamp? = nil,
    referral: ReferralPolicy? = ReferralPolicy(
        destinationURL: "https://shop.example/welcome?from=friend#top",
        allowedHosts: ["blog.example"])
) throws -> CampaignDefinition {
    guard let asset = Asset("USD") else { throw SampleError() }
    return CampaignDefinition(
        campaignID: id, clientID: client, revision: revision, name: "Bring a friend",
        pulse: .conversion, status: status, triggers: [], startsAt: nil, endsAt: endsAt,
        eligibility: nil, rewardRules: [], limits: CampaignLimits(),
        budget: try Amount(units: 1000, asset: asset), referral: referral)
}

struct SampleError: Error {}

/// An event as a client's website or server sends it.
func sampleEvent(
    _ type: String = "page_viewed", at position: LogPosition = LogPosition(shard: 0, position: 1),
    of client: ClientID, person: String? = nil, visitor: String? = nil,
    click: String? = nil, code: String? = nil, properties: JSONValue = [:],
    traits: [String: JSONValue]? = nil, occurredAt: Timestamp = SystemClock().now(),
    trust: Trust = .server, eventID: String = UUID().uuidString
) -> LogEvent {
    var claim: [String: JSONValue] = [:]
    if let click { claim["click_id"] = .string(click) }
    if let code { claim["code"] = .string(code) }
    return LogEvent(
        position: position, eventID: eventID, type: type, clientID: client,
        participant: LogParticipant(
            participantID: person.map { .derived(client: client, externalID: $0) },
            externalID: person, anonymousID: visitor, traits: traits),
        occurredAt: occurredAt, receivedAt: occurredAt, trust: trust, properties: properties,
        context: claim.isEmpty ? nil : ["referral": .object(claim)])
}

extension ParticipantID {
    /// The person whom the client calls so.
    static func named(_ name: String, of client: ClientID) -> ParticipantID {
        .derived(client: client, externalID: name)
    }
}
