import Contracts
import FoundationEssentials
import Kernel
import PostgresKit

/// A reward as it is stored.
struct RewardRow: Sendable, RowDecodable {
    let summary: RewardSummary
    let clientID: ClientID
    let campaignRevision: Int
    let decisionID: DecisionID
    let runID: RunID?
    let reserveTransferID: UUID?
    let createdAt: Timestamp
    let statusAt: Timestamp

    static let columns: SQL = """
        reward.reward_id, reward.client_id, reward.campaign_id, reward.campaign_revision,
        reward.rule_id, reward.participant_id, reward.role, reward.subject, reward.amount,
        reward.asset, reward.decision_id, reward.run_id, reward.reserve_transfer_id, reward.status,
        reward.created_at, reward.status_at
        """

    init(row: Row) throws(PostgresError) {
        summary = RewardSummary(
            rewardID: try row.get("reward_id"), campaignID: try row.get("campaign_id"),
            ruleID: try row.get("rule_id"), participantID: try row.get("participant_id"),
            role: try row.get("role"), subject: try row.get("subject"),
            amount: try row.amount("amount"), status: try row.get("status"))
        clientID = try row.get("client_id")
        campaignRevision = try row.get("campaign_revision")
        decisionID = try row.get("decision_id")
        runID = try row.get("run_id")
        reserveTransferID = try row.get("reserve_transfer_id")
        createdAt = try row.get("created_at")
        statusAt = try row.get("status_at")
    }

    var posting: RewardPosting {
        RewardPosting(
            clientID: clientID, campaignID: summary.campaignID,
            participantID: summary.participantID, amount: summary.amount)
    }

    var key: GrantKey {
        GrantKey(
            clientID: clientID, campaignID: summary.campaignID, ruleID: summary.ruleID,
            participantID: summary.participantID, role: summary.role, subject: summary.subject)
    }

    /// The same reward in another status.
    func summary(_ status: RewardStatus) -> RewardSummary {
        RewardSummary(
            rewardID: summary.rewardID, campaignID: summary.campaignID, ruleID: summary.ruleID,
            participantID: summary.participantID, role: summary.role, subject: summary.subject,
            amount: summary.amount, status: status)
    }
}

extension Row {
    /// Units in a column and the code in the column `asset`.
    func amount(_ column: String) throws(PostgresError) -> Amount {
        let asset: Asset = try get("asset")
        let units: Int128 = try get(column)
        // The column holds 38 digits, as many as an amount.
        return (try? Amount(units: units, asset: asset)) ?? .zero(asset)
    }
}
