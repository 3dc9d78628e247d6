import FoundationEssentials
import Kernel
import PostgresKit

/// A leg with its place in the books.
struct LedgerPosting: Sendable {
    let clientID: ClientID
    let transferID: UUID
    /// Legs of one chain are written together.
    let chainID: UUID
    let leg: LedgerLeg
    /// Whose reward it is about.
    let rewardID: RewardID?
    /// The reservation that the leg resolves.
    let resolves: UUID?
    let at: Timestamp

    var debit: LedgerAccountName { LedgerAccountName(clientID: clientID, key: leg.debit) }
    var credit: LedgerAccountName { LedgerAccountName(clientID: clientID, key: leg.credit) }
}

/// An account of a client, named before it has an id.
struct LedgerAccountName: Sendable, Hashable {
    let clientID: ClientID
    let key: LedgerAccountKey
}

/// The statements that write to the ledger. Accounts are named by what they are, not by id.
enum LedgerWriting {
    /// Columns of a first statement that decide how the rest of its transaction is planned: each
    /// statement finds a few rows by their keys. Plans are kept from when the tables were empty and
    /// reading all of them looked cheap; and planning anew each time costs more than executing.
    static let byKeySettings: SQL = """
        set_config('plan_cache_mode', 'force_generic_plan', true),
            set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
            set_config('enable_mergejoin', 'off', true)
        """

    /// The same as a statement of its own.
    static let byKey: SQL = "select \(byKeySettings)"

    /// Opens the accounts that are not there yet.
    static func open(
        _ names: some Sequence<LedgerAccountName>, at now: Timestamp, ids: any IDGenerator
    ) -> SQL {
        // One order for all, so that two that open the same accounts cannot wait for each other.
        let names = Set(names).sorted { $0.place < $1.place }
        let keys = names.map(\.key)
        return """
            insert into ledger_account (
                account_id, client_id, kind, owner_id, asset, debits_within_credits, created_at)
            select account_id, client_id, kind, owner_id, asset, within_credits, \(now)
            from unnest(
                \(keys.map { _ in ids.next() })::uuid[], \(names.map(\.clientID))::uuid[],
                \(keys.map(\.kind.rawValue))::text[], \(keys.map(\.owner))::uuid[],
                \(keys.map(\.asset.code))::text[],
                \(keys.map(\.kind.debitsWithinCredits))::boolean[]
            ) with ordinality as new (
                account_id, client_id, kind, owner_id, asset, within_credits, place)
            order by place
            on conflict (client_id, kind, owner_id, asset) do nothing
            """
    }

    /// Writes the legs; the ledger's trigger moves the counters. A leg whose account does not exist
    /// makes the statement fail.
    static func post(_ postings: [LedgerPosting]) -> SQL {
        let legs = postings.map(\.leg)
        return """
            insert into ledger_transfer (
                transfer_id, client_id, chain_id, debit_account_id, credit_account_id, asset,
                amount, kind, pending_transfer_id, reason, reward_id, created_at)
            select leg.transfer_id, leg.client_id, leg.chain_id, (
                    select account_id from ledger_account where client_id = leg.client_id
                        and kind = leg.debit_kind and owner_id = leg.debit_owner
                        and asset = leg.asset), (
                    select account_id from ledger_account where client_id = leg.client_id
                        and kind = leg.credit_kind and owner_id = leg.credit_owner
                        and asset = leg.asset),
                leg.asset, leg.amount, leg.kind, leg.resolves, leg.reason, leg.reward_id,
                leg.created_at
            from unnest(
                \(postings.map(\.transferID))::uuid[], \(postings.map(\.clientID))::uuid[],
                \(postings.map(\.chainID))::uuid[],
                \(legs.map(\.debit.kind.rawValue))::text[], \(legs.map(\.debit.owner))::uuid[],
                \(legs.map(\.credit.kind.rawValue))::text[], \(legs.map(\.credit.owner))::uuid[],
                \(legs.map(\.amount.asset.code))::text[], \(legs.map(\.amount.units))::numeric[],
                \(legs.map(\.kind.stored))::text[], \(postings.map(\.resolves))::uuid[],
                \(legs.map(\.reason.rawValue))::text[], \(postings.map(\.rewardID))::uuid[],
                \(postings.map(\.at))::timestamptz[]
            ) with ordinality as leg (
                transfer_id, client_id, chain_id, debit_kind, debit_owner, credit_kind,
                credit_owner, asset, amount, kind, resolves, reason, reward_id, created_at, place)
            order by leg.place
            """
    }

    /// The accounts of these legs that may not exist yet: all but those made with the funding.
    static func accountsToOpen(_ postings: [LedgerPosting]) -> Set<LedgerAccountName> {
        var names: Set<LedgerAccountName> = []
        for posting in postings {
            for name in [posting.debit, posting.credit] {
                switch name.key.kind {
                case .clientTreasury, .campaignBudget, .campaignReserve: continue
                default: names.insert(name)
                }
            }
        }
        return names
    }

    /// How much the accounts that exist could give, by their place.
    static func available(_ names: [LedgerAccountName]) -> SQL {
        let keys = names.map(\.key)
        return """
            select asked.place,
                account.credits_posted - account.debits_posted - account.debits_pending
                    as available
            from unnest(
                \(names.map(\.clientID))::uuid[], \(keys.map(\.kind.rawValue))::text[],
                \(keys.map(\.owner))::uuid[], \(keys.map(\.asset.code))::text[]
            ) with ordinality as asked (client_id, kind, owner_id, asset, place)
            cross join lateral (
                select * from ledger_account where ledger_account.client_id = asked.client_id
                    and ledger_account.kind = asked.kind
                    and ledger_account.owner_id = asked.owner_id
                    and ledger_account.asset = asked.asset limit 1) account
            """
    }
}

extension LedgerAccountName {
    /// What accounts are sorted by before they are opened.
    fileprivate var place: String {
        "\(clientID.uuid) \(key.owner) \(key.kind.rawValue) \(key.asset.code)"
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
