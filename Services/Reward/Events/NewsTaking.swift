import Contracts
import HTTPKit
import Kernel
import MessagingKit
import PostgresKit

/// Takes what client-service and campaign-service tell: the clients' clocks, the campaigns'
/// revisions and states, and what their budgets are funded with.
struct NewsTaking: Sendable {
    static let types = CampaignMessage.all.union([
        ClientMessage.created, ClientMessage.statusChanged, ClientMessage.settingsChanged,
    ])

    let campaigns: CampaignStore
    let funding: FundingStore
    private let telemetry: Telemetry
    private let refusedBudgets: Counter

    init(campaigns: CampaignStore, funding: FundingStore, telemetry: Telemetry) {
        self.campaigns = campaigns
        self.funding = funding
        self.telemetry = telemetry
        refusedBudgets = telemetry.metrics.counter(
            "grapevine_reward_budgets_refused_total",
            help: "Budgets that could not be brought to what their campaign says.")
    }

    /// Applies events in the subscriber's transaction.
    func apply(_ events: [LogEvent], in transaction: Transaction) async throws {
        // Clients choose the types of their own events; only what a service said counts here.
        for event in events where event.trust == .internal {
            if CampaignMessage.all.contains(event.type) {
                try await apply(Self.campaign(of: event), event, in: transaction)
            } else {
                let change = try Self.decode(ClientChange.self, event)
                try await campaigns.take(change, of: event.clientID, in: transaction)
            }
        }
    }

    private func apply(
        _ campaign: CampaignDefinition, _ event: LogEvent, in transaction: Transaction
    ) async throws {
        let isInForce = try await campaigns.take(
            campaign, changedAt: event.occurredAt, in: transaction)
        // A draft that is closed never had a budget, and what has ended keeps what it had.
        guard isInForce, campaign.status == .active || campaign.status == .paused else { return }
        do {
            // What is spent cannot be unspent. The budget shows what is in force.
            if let missing = try await funding.fund(campaign, in: transaction) {
                report(campaign, "a budget was lowered only to what is spent and reserved", missing)
            }
        } catch RewardFailure.balanceTooLow {
            // All else of the revision holds; the budget stays.
            report(campaign, "a budget is beyond what the ledger can count", nil)
        }
    }

    private func report(_ campaign: CampaignDefinition, _ what: String, _ missing: Amount?) {
        refusedBudgets.increment()
        var fields: [(String, Logger.Value)] = [
            ("campaign_id", .text(campaign.campaignID.description)),
            ("revision", .integer(campaign.revision)),
        ]
        if let missing {
            fields.append(("units_not_taken_back", .text(String(missing.units))))
        }
        telemetry.logger.error(what, fields)
    }

    private static func campaign(of event: LogEvent) throws -> CampaignDefinition {
        let campaign = try decode(CampaignDefinition.self, event)
        guard campaign.clientID == event.clientID, campaign.revision > 0,
            campaign.budget.units >= 0,
            campaign.rewardRules.allSatisfy({ $0.amount.asset == campaign.budget.asset })
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
