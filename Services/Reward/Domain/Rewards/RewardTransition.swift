import Contracts
import Kernel

/// The legal moves of a reward and what each does to the ledger (DESIGN §7).
///
/// The same table stands in the database, which refuses every other move whatever the code does; a
/// test compares the two.
enum RewardTransition {
    /// Where a reward may go from each state.
    static let table: [RewardStatus: Set<RewardStatus>] = [
        .earned: [.pending],
        .pending: [.eligible, .rejected],
        .eligible: [.approved, .expired, .rejected],
        .approved: [.fulfilled, .failed, .reversed],
        .failed: [.approved],
        .fulfilled: [.redeemed, .expired, .reversed],
        .redeemed: [.reversed],
        .rejected: [], .expired: [], .reversed: [],
    ]

    static func isLegal(_ from: RewardStatus, _ to: RewardStatus) -> Bool {
        table[from]?.contains(to) == true
    }

    /// What the ledger does when a reward moves; empty where only the state changes.
    ///
    /// The move must be legal.
    static func legs(
        from: RewardStatus, to: RewardStatus, reward: RewardPosting
    ) -> [LedgerLeg] {
        switch (from, to) {
        case (.earned, .pending): [reserve(reward)]
        case (.pending, .rejected), (.eligible, .rejected), (.eligible, .expired):
            [release(reward)]
        case (.eligible, .approved): approve(reward)
        case (.approved, .fulfilled):
            [
                reward.leg(
                    .posted, reward.participantPending, reward.participantAvailable,
                    .rewardFulfilment)
            ]
        case (.approved, .reversed):
            [reward.leg(.posted, reward.participantPending, reward.budget, .rewardReversal)]
        case (.fulfilled, .reversed):
            [reward.leg(.posted, reward.participantAvailable, reward.budget, .rewardReversal)]
        case (.fulfilled, .expired):
            [reward.leg(.posted, reward.participantAvailable, reward.breakage, .rewardExpiry)]
        case (.redeemed, .reversed):
            // Consumed already: the budget gets it back and the person owes it.
            [reward.leg(.posted, reward.clawback, reward.budget, .rewardClawback)]
        case (.fulfilled, .redeemed):
            // The credit is used up: from the person's account back to where clients' money is.
            [reward.leg(.posted, reward.participantAvailable, reward.treasury, .rewardRelease)]
        default: []
        }
    }

    private static func reserve(_ reward: RewardPosting) -> LedgerLeg {
        reward.leg(.pending, reward.budget, reward.reserve, .rewardReserve)
    }

    private static func release(_ reward: RewardPosting) -> LedgerLeg {
        reward.leg(.voidReservation, reward.budget, reward.reserve, .rewardRelease)
    }

    private static func approve(_ reward: RewardPosting) -> [LedgerLeg] {
        [
            reward.leg(.postReservation, reward.budget, reward.reserve, .rewardApproval),
            reward.leg(.posted, reward.reserve, reward.participantPending, .rewardApproval),
        ]
    }
}

/// What of a reward the ledger needs: its amount and the accounts around it.
struct RewardPosting: Sendable {
    let clientID: ClientID
    let campaignID: CampaignID
    let participantID: ParticipantID
    let amount: Amount

    var treasury: LedgerAccountKey { .treasury(clientID, amount.asset) }
    var budget: LedgerAccountKey { .budget(campaignID, amount.asset) }
    var reserve: LedgerAccountKey { .reserve(campaignID, amount.asset) }
    var participantPending: LedgerAccountKey { .pending(participantID, amount.asset) }
    var participantAvailable: LedgerAccountKey { .available(participantID, amount.asset) }
    var breakage: LedgerAccountKey { .breakage(clientID, amount.asset) }
    var clawback: LedgerAccountKey { .clawback(participantID, amount.asset) }

    func leg(
        _ kind: LedgerLeg.Kind, _ debit: LedgerAccountKey, _ credit: LedgerAccountKey,
        _ reason: LedgerLeg.Reason
    ) -> LedgerLeg {
        LedgerLeg(kind: kind, debit: debit, credit: credit, amount: amount, reason: reason)
    }
}
