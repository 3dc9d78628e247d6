import Contracts
import Kernel
import PostgresKit

/// Keeps a campaign's budget account at what its definition says.
struct FundingStore: Sendable {
    let world: World

    /// Posts the difference between the budget and what was funded before, between the client's
    /// treasury and the campaign's budget account. Nothing when there is none.
    ///
    /// The campaign's row is locked. Throws `RewardFailure.balanceTooLow`, without effect, when the
    /// budget is less than what is spent and reserved already.
    func fund(_ campaign: CampaignDefinition, in transaction: Transaction) async throws {
        let (client, asset) = (campaign.clientID, campaign.budget.asset)
        let row = try await transaction.pipeline([
            LedgerWriting.byKey,
            """
            select funded, \(BusinessTime.of(client, at: world.clock.now())) as business_time
            from (select coalesce(sum(funded), 0) as funded from campaign_funding
                where client_id = \(client) and campaign_id = \(campaign.campaignID)
                    and asset = \(asset)) as before
            """,
        ])[1].first
        guard let row else { return }
        let before: Int128 = try row.get("funded")
        let now: Timestamp = try row.get("business_time")
        let difference = campaign.budget.units - before
        guard difference != 0 else { return }
        let statements = try statements(campaign, difference, at: now)
        do {
            let posted = try await transaction.withSavepoint {
                try await transaction.pipeline(statements)[1].count
            }
            guard posted == 1 else { throw RewardFailure.incompletePosting }
        } catch let error as PostgresError where error.isOverdraft || error.code == .invalidValue {
            // Overdrawn, or a total beyond 38 digits: refused, so that nobody else waits for it.
            throw RewardFailure.balanceTooLow
        }
    }

    /// The second of them answers a row for the transfer.
    private func statements(
        _ campaign: CampaignDefinition, _ difference: Int128, at now: Timestamp
    ) throws -> [SQL] {
        let (client, asset) = (campaign.clientID, campaign.budget.asset)
        let treasury = LedgerAccountKey.treasury(client, asset)
        let budget = LedgerAccountKey.budget(campaign.campaignID, asset)
        let reserve = LedgerAccountKey.reserve(campaign.campaignID, asset)
        let amount = try Amount(units: Int128(difference.magnitude), asset: asset)
        let leg =
            difference > 0
            ? LedgerLeg(
                kind: .posted, debit: treasury, credit: budget, amount: amount,
                reason: .campaignFunding)
            : LedgerLeg(
                kind: .posted, debit: budget, credit: treasury, amount: amount,
                reason: .campaignDefunding)
        let posting = LedgerPosting(
            transferID: world.ids.next(), chainID: world.ids.next(), leg: leg, rewardID: nil,
            resolves: nil)
        return [
            LedgerWriting.open(
                [treasury, budget, reserve], of: client, at: "\(now)", ids: world.ids),
            LedgerWriting.post([posting], of: client, at: "\(now)"),
            """
            insert into campaign_funding (client_id, campaign_id, asset, funded)
            values (\(client), \(campaign.campaignID), \(asset), \(campaign.budget.units))
            on conflict (client_id, campaign_id, asset) do update set funded = excluded.funded
            """,
        ]
    }
}
