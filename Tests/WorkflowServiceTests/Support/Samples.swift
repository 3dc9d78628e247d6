import Contracts
import FoundationEssentials
import Kernel
import SecurityKit

@testable import WorkflowService

/// A client with its key, its campaign and its people.
struct Shop: Sendable {
    let clientID = ClientID(UUID())
    let campaignID = CampaignID(UUID())
    let key = APIKeySecret.generate(kind: .secret, mode: .live)

    func participant(_ externalID: String) -> ParticipantID {
        .derived(client: clientID, externalID: externalID)
    }

    func campaign(
        _ status: CampaignStatus = .active, revision: Int = 1, condition: Rule? = nil,
        minimumTrust: Trust = .signedUser, startsAt: Timestamp? = nil, endsAt: Timestamp? = nil,
        rules: [RewardRule] = [.sample("welcome")], pulse: Pulse = .signup,
        referral: ReferralPolicy? = nil, notifications: [CampaignNotification]? = nil,
        id: CampaignID? = nil, triggers: [String]? = nil
    ) -> CampaignDefinition {
        CampaignDefinition(
            campaignID: id ?? campaignID, clientID: clientID, revision: revision, name: "Welcome",
            pulse: pulse, status: status,
            triggers: (triggers ?? [pulse == .signup ? "user_signed_up" : "purchase_completed"])
                .map {
                    CampaignTrigger(event: $0, condition: condition, minimumTrust: minimumTrust)
                },
            startsAt: startsAt, endsAt: endsAt, eligibility: nil, rewardRules: rules,
            limits: CampaignLimits(), budget: Amount.dollars(100_000), referral: referral,
            notifications: notifications)
    }

    /// Both sides are rewarded and written to.
    func bothSides(
        _ pulse: Pulse, _ status: CampaignStatus = .active,
        destinationURL: String? = "https://shop.example/welcome"
    ) -> CampaignDefinition {
        campaign(
            status,
            rules: [.sample("thanks", recipient: .referrer), .sample("welcome")], pulse: pulse,
            referral: ReferralPolicy(destinationURL: destinationURL),
            notifications: [.sample("hello"), .sample("thank_you", to: .referrer)])
    }

    /// Somebody buys.
    func purchase(
        _ externalID: String, order: String? = nil, id: String = UUID().uuidString,
        properties: JSONValue = [:], at time: Timestamp = SystemClock().now(),
        receivedAt: Timestamp? = nil
    ) -> LogEvent {
        LogEvent(
            position: LogPosition(shard: 0, position: 1), eventID: id, type: "purchase_completed",
            clientID: clientID,
            participant: LogParticipant(
                participantID: participant(externalID), externalID: externalID),
            occurredAt: time, receivedAt: receivedAt ?? time, trust: .server, subject: order,
            properties: properties)
    }

    /// Somebody signs up; the position is the log's to give.
    func signup(
        _ externalID: String?, id: String = UUID().uuidString, trust: Trust = .server,
        type: String = "user_signed_up", properties: JSONValue = [:],
        at time: Timestamp = SystemClock().now(), traceparent: String? = nil
    ) -> LogEvent {
        LogEvent(
            position: LogPosition(shard: 0, position: 1), eventID: id, type: type,
            clientID: clientID,
            participant: LogParticipant(
                participantID: externalID.map(participant), externalID: externalID,
                anonymousID: externalID == nil ? "visitor" : nil),
            occurredAt: time, receivedAt: time, trust: trust, properties: properties,
            traceparent: traceparent)
    }
}

extension RewardRule {
    static func sample(
        _ id: String, recipient: RewardRecipient = .participant,
        approval: ApprovalPolicy = .automatic, fulfilment: FulfilmentPolicy = .automatic
    ) -> RewardRule {
        RewardRule(
            ruleID: id, recipient: recipient, kind: .credit,
            amount: .dollars(2000), approval: approval, fulfilment: fulfilment)
    }
}

extension CampaignNotification {
    static func sample(
        _ template: String, to recipient: RewardRecipient = .participant
    ) -> CampaignNotification {
        CampaignNotification(recipient: recipient, channel: .email, template: template)
    }
}

extension Amount {
    /// So many cents.
    static func dollars(_ units: Int128) -> Amount {
        guard let dollars = Asset("USD"), let amount = try? Amount(units: units, asset: dollars)
        else { preconditionFailure("USD is an asset.") }
        return amount
    }
}

extension Rule {
    /// A field of the facts has a value.
    static func field(_ name: String, is value: JSONValue) -> Rule {
        .condition(Condition(field: name, comparison: .equals, value: value))
    }
}
