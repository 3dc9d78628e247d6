import Contracts
import HTTPKit
import Kernel
import MessagingKit
import PostgresKit

/// Takes what client-service and campaign-service tell: whether clients are active and how their
/// clocks run, the campaigns' revisions and states.
struct NewsTaking: Sendable {
    private static let clientTypes: Set<String> = [
        ClientMessage.created, ClientMessage.statusChanged, ClientMessage.settingsChanged,
    ]
    /// The types that news has.
    static let types = CampaignMessage.all.union(clientTypes)

    let campaigns: CampaignStore

    /// Whether the event is news. Clients choose the types of their own events, so only what a
    /// service said is.
    static func isNews(_ event: LogEvent) -> Bool {
        event.trust == .internal && types.contains(event.type)
    }

    /// Applies one piece of news.
    func apply(_ event: LogEvent, in transaction: Transaction) async throws {
        if CampaignMessage.all.contains(event.type) {
            try await campaigns.take(
                Self.campaign(of: event), changedAt: event.occurredAt, in: transaction)
        } else {
            let change = try Self.decode(ClientChange.self, event)
            try await campaigns.take(change, of: event.clientID, in: transaction)
        }
    }

    private static func campaign(of event: LogEvent) throws -> CampaignDefinition {
        let campaign = try decode(CampaignDefinition.self, event)
        guard campaign.clientID == event.clientID, campaign.revision > 0,
            campaign.referral.map({ $0.attributionWindowSeconds >= 0 }) ?? true
        else { throw PoisonEvent(event, reason: "the campaign contradicts itself") }
        return campaign
    }

    private static func decode<Value: Decodable>(
        _ type: Value.Type, _ event: LogEvent
    ) throws -> Value {
        do {
            return try JSONCoding.decode(
                type, from: try JSONCoding.encode(event.properties), strictness: .lenient)
        } catch {
            throw PoisonEvent(event, reason: "the data is not what \(event.type) carries")
        }
    }
}
