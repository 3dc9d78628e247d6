import Contracts
import Kernel
import PostgresKit

/// Keeps a campaign's budget account at what its definition says, as far as it is not used yet.
struct FundingStore: Sendable {
    let world: World

    /// Posts the difference between the budget and what was funded before, between the client's
    /// treasury and the campaign's budget account. Nothing when there is none.
    ///
    /// A budget that is less than what is spent and reserved already is lowered to that. Returns
    /// what could not be taken back, mostly nil. The campaign's row is locked. Throws
    /// `RewardFailure.balanceTooLow`, without effect, beyond what the ledger can count.
    func fund(_ campaign: CampaignDefinition, in transaction: Transaction) async throws -> Amount? {
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
        guard let row else { return nil }
        let before: Int128 = try row.get("funded")
        let now: Timestamp = try row.get("business_time")
        let wanted = campaign.budget.units - before
        var difference = wanted
        if wanted < 0 {
            let accounts = try await transaction.query(Self.accountsToLower(campaign))
            difference = max(wanted, -(try Self.available(accounts)))
        }
        if difference != 0 {
            let change = BudgetChange(
                campaign: campaign, before: before, difference: difference, at: now)
            try await post(change, in: transaction)
        }
        return difference == wanted
            ? nil : try Amount(units: difference - wanted, asset: asset)
    }

    /// What a budget account could give back. Until the transaction ends nobody else changes it;
    /// the treasury is locked with it, so that all lock accounts in the order of their ids.
    private static func accountsToLower(_ campaign: CampaignDefinition) -> SQL {
        """
        select kind, credits_posted - debits_posted - debits_pending as available
        from ledger_account
        where client_id = \(campaign.clientID) and asset = \(campaign.budget.asset)
            and (kind, owner_id) in (
                (\(AccountKind.clientTreasury), \(campaign.clientID)),
                (\(AccountKind.campaignBudget), \(campaign.campaignID)))
        order by account_id for no key update
        """
    }

    private static func available(_ accounts: [Row]) throws -> Int128 {
        for account in accounts
        where try account.get("kind", as: AccountKind.self) == .campaignBudget {
            return try account.get("available")
        }
        return 0
    }

    private func post(_ change: BudgetChange, in transaction: Transaction) async throws {
        let statements = try statements(change)
        do {
            _ = try await transaction.withSavepoint {
                try await transaction.pipeline(statements)
            }
        } catch let error as PostgresError where error.isOverdraft || error.code == .invalidValue {
            // Overdrawn, or a total beyond 38 digits: refused, so that nobody else waits for it.
            throw RewardFailure.balanceTooLow
        }
    }

    private func statements(_ change: BudgetChange) throws -> [SQL] {
        let (campaign, difference, now) = (change.campaign, change.difference, change.at)
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
            clientID: client, transferID: world.ids.next(), chainID: world.ids.next(), leg: leg,
            rewardID: nil, resolves: nil, at: now)
        let accounts = [treasury, budget, reserve].map {
            LedgerAccountName(clientID: client, key: $0)
        }
        return [
            LedgerWriting.open(accounts, at: now, ids: world.ids),
            LedgerWriting.post([posting]),
            """
            insert into campaign_funding (client_id, campaign_id, asset, funded)
            values (\(client), \(campaign.campaignID), \(asset), \(change.before + difference))
            on conflict (client_id, campaign_id, asset) do update set funded = excluded.funded
            """,
        ]
    }
}

/// What is posted to a campaign's budget account.
private struct BudgetChange: Sendable {
    let campaign: CampaignDefinition
    /// What was funded before.
    let before: Int128
    /// Below zero to take back.
    let difference: Int128
    let at: Timestamp
}
