/// The chart of accounts (DESIGN §7).
enum AccountKind: String, Sendable, CaseIterable {
    case clientTreasury = "client_treasury"
    case campaignBudget = "campaign_budget"
    case campaignReserve = "campaign_reserve"
    case participantPending = "participant_pending"
    case participantAvailable = "participant_available"
    case participantHeld = "participant_held"
    case payoutClearing = "payout_clearing"
    case paidOut = "paid_out"
    case breakage
    case clawbackReceivable = "clawback_receivable"
    case fees

    /// Whether debits, pending ones included, may never exceed posted credits.
    ///
    /// The treasury is where a client's money enters and the clawback receivable is what a person
    /// owes: both live on the other side of zero.
    var debitsWithinCredits: Bool {
        switch self {
        case .clientTreasury, .clawbackReceivable: false
        default: true
        }
    }
}
