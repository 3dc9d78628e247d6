import FoundationEssentials
import Kernel
import PostgresKit

/// A leg with its place in the books.
struct LedgerPosting: Sendable {
    let transferID: UUID
    /// Legs of one chain are written together.
    let chainID: UUID
    let leg: LedgerLeg
    /// Whose reward it is about; then it is written only if that reward exists.
    let rewardID: RewardID?
    /// The reservation that the leg resolves.
    let resolves: UUID?
}

/// The statements that write to the ledger. Accounts are named by what they are, not by id.
enum LedgerWriting {
    /// Goes before the first of a transaction's statements. Each finds a few rows by their keys,
    /// and plans are kept from when the tables were empty and reading all of them looked cheap.
    static let byKey: SQL = """
        select 'plan' as counted, set_config('enable_seqscan', 'off', true),
            set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)
        """

    /// Opens the accounts that are not there yet.
    static func open(
        _ keys: some Sequence<LedgerAccountKey>, of client: ClientID, at time: SQL,
        ids: any IDGenerator
    ) -> SQL {
        // One order for all, so that two that open the same accounts cannot wait for each other.
        let keys = Set(keys).sorted {
            ($0.owner.uuidString, $0.kind.rawValue, $0.asset.code)
                < ($1.owner.uuidString, $1.kind.rawValue, $1.asset.code)
        }
        return """
            insert into ledger_account (
                account_id, client_id, kind, owner_id, asset, debits_within_credits, created_at)
            select account_id, \(client), kind, owner_id, asset, within_credits, \(time)
            from unnest(
                \(keys.map { _ in ids.next() })::uuid[], \(keys.map(\.kind.rawValue))::text[],
                \(keys.map(\.owner))::uuid[], \(keys.map(\.asset.code))::text[],
                \(keys.map(\.kind.debitsWithinCredits))::boolean[]
            ) with ordinality as new (account_id, kind, owner_id, asset, within_credits, place)
            order by place
            on conflict (client_id, kind, owner_id, asset) do nothing
            """
    }

    /// Writes the legs; the ledger's trigger moves the counters. Returns a row for each written.
    ///
    /// A leg whose account does not exist is left out: compare the number of rows.
    static func post(_ postings: [LedgerPosting], of client: ClientID, at time: SQL) -> SQL {
        let legs = postings.map(\.leg)
        return """
            insert into ledger_transfer (
                transfer_id, client_id, chain_id, debit_account_id, credit_account_id, asset,
                amount, kind, pending_transfer_id, reason, reward_id, created_at)
            select leg.transfer_id, \(client), leg.chain_id, debit.account_id, credit.account_id,
                leg.asset, leg.amount, leg.kind, leg.resolves, leg.reason, leg.reward_id, \(time)
            from unnest(
                \(postings.map(\.transferID))::uuid[], \(postings.map(\.chainID))::uuid[],
                \(legs.map(\.debit.kind.rawValue))::text[], \(legs.map(\.debit.owner))::uuid[],
                \(legs.map(\.credit.kind.rawValue))::text[], \(legs.map(\.credit.owner))::uuid[],
                \(legs.map(\.amount.asset.code))::text[], \(legs.map(\.amount.units))::numeric[],
                \(legs.map(\.kind.stored))::text[], \(postings.map(\.resolves))::uuid[],
                \(legs.map(\.reason.rawValue))::text[], \(postings.map(\.rewardID))::uuid[]
            ) with ordinality as leg (
                transfer_id, chain_id, debit_kind, debit_owner, credit_kind, credit_owner, asset,
                amount, kind, resolves, reason, reward_id, place)
            cross join lateral (
                select account_id from ledger_account where client_id = \(client)
                    and kind = leg.debit_kind and owner_id = leg.debit_owner
                    and asset = leg.asset limit 1) debit
            cross join lateral (
                select account_id from ledger_account where client_id = \(client)
                    and kind = leg.credit_kind and owner_id = leg.credit_owner
                    and asset = leg.asset limit 1) credit
            where leg.reward_id is null
                or (select true from reward where reward.reward_id = leg.reward_id)
            order by leg.place
            returning 'posting' as counted
            """
    }

    /// The accounts of these legs that may not exist yet: all but those made with the funding.
    static func accountsToOpen(_ legs: [LedgerLeg]) -> [LedgerAccountKey] {
        legs.flatMap { [$0.debit, $0.credit] }.filter { key in
            switch key.kind {
            case .clientTreasury, .campaignBudget, .campaignReserve: false
            default: true
            }
        }
    }
}

extension LedgerLeg.Kind {
    /// As the table names it.
    var stored: String {
        switch self {
        case .posted: "posted"
        case .pending: "pending"
        case .postReservation: "post"
        case .voidReservation: "void"
        }
    }

    var resolvesReservation: Bool { self == .postReservation || self == .voidReservation }
}
