import Kernel

/// One transfer that a decision asks for. Legs of one plan are written together or not at all.
struct LedgerLeg: Sendable, Hashable {
    /// How the amount moves.
    enum Kind: Sendable, Hashable {
        /// At once.
        case posted
        /// Reserved: counts against the debit side, is not yet on the credit side.
        case pending
        /// Makes the reward's reservation final.
        case postReservation
        /// Gives the reward's reservation back.
        case voidReservation
    }

    /// Why, as it is stored with the transfer.
    enum Reason: String, Sendable {
        case campaignFunding = "campaign_funding"
        case campaignDefunding = "campaign_defunding"
        case rewardReserve = "reward_reserve"
        case rewardApproval = "reward_approval"
        case rewardFulfilment = "reward_fulfilment"
        case rewardRelease = "reward_release"
        case rewardExpiry = "reward_expiry"
        case rewardReversal = "reward_reversal"
        case rewardClawback = "reward_clawback"
    }

    let kind: Kind
    let debit: LedgerAccountKey
    let credit: LedgerAccountKey
    let amount: Amount
    let reason: Reason
}
