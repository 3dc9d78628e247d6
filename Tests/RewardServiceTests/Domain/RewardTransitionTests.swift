import Contracts
import FoundationEssentials
import Kernel
import Testing

@testable import RewardService

@Suite struct RewardTransitionTests {
    private let posting: RewardPosting

    init() throws {
        let asset = try #require(Asset("USD"))
        posting = RewardPosting(
            clientID: ClientID(UUID()), campaignID: CampaignID(UUID()),
            participantID: ParticipantID(UUID()), amount: try Amount(units: 500, asset: asset))
    }

    /// Applies legs to counters as the ledger does: balance = posted credits - posted debits.
    private func balances(after path: [RewardStatus]) -> [AccountKind: Int128] {
        var balances: [AccountKind: Int128] = [:]
        for (from, to) in zip(path, path.dropFirst()) {
            for leg in RewardTransition.legs(from: from, to: to, reward: posting)
            where leg.kind == .posted || leg.kind == .postReservation {
                balances[leg.debit.kind, default: 0] -= leg.amount.units
                balances[leg.credit.kind, default: 0] += leg.amount.units
            }
        }
        return balances.filter { $0.value != 0 }
    }

    @Test func `final states have no way out`() {
        for status in [RewardStatus.rejected, .expired, .reversed] {
            #expect(RewardTransition.table[status] == [])
        }
        #expect(Set(RewardTransition.table.keys) == Set(RewardStatus.allCases))
    }

    @Test func `an approved reward is in the participant's pending account`() {
        let path: [RewardStatus] = [.earned, .pending, .eligible, .approved]
        #expect(balances(after: path) == [.campaignBudget: -500, .participantPending: 500])
    }

    @Test func `a fulfilled reward can be used by the participant`() {
        let path: [RewardStatus] = [.earned, .pending, .eligible, .approved, .fulfilled]
        #expect(balances(after: path) == [.campaignBudget: -500, .participantAvailable: 500])
    }

    @Test func `a reward that failed once and then succeeded is booked once`() {
        let path: [RewardStatus] = [
            .earned, .pending, .eligible, .approved, .failed, .approved, .fulfilled,
        ]
        #expect(balances(after: path) == [.campaignBudget: -500, .participantAvailable: 500])
    }

    @Test(arguments: [
        [RewardStatus.earned, .pending, .rejected],
        [.earned, .pending, .eligible, .rejected],
        [.earned, .pending, .eligible, .expired],
        [.earned, .pending, .eligible, .approved, .reversed],
        [.earned, .pending, .eligible, .approved, .fulfilled, .reversed],
    ])
    func `a reward that came to nothing leaves every account as it was`(_ path: [RewardStatus]) {
        #expect(balances(after: path).isEmpty)
    }

    @Test func `what was consumed before a reversal is owed by the participant`() {
        let path: [RewardStatus] = [
            .earned, .pending, .eligible, .approved, .fulfilled, .redeemed, .reversed,
        ]
        #expect(
            balances(after: path) == [.clientTreasury: 500, .clawbackReceivable: -500])
    }

    @Test func `every reservation is resolved exactly once on the way to an end`() {
        let reserving = RewardTransition.legs(from: .earned, to: .pending, reward: posting)
        #expect(reserving.map(\.kind) == [.pending])
        for (from, to) in [
            (RewardStatus.pending, RewardStatus.rejected), (.eligible, .rejected),
            (.eligible, .expired),
        ] {
            let kinds = RewardTransition.legs(from: from, to: to, reward: posting).map(\.kind)
            #expect(kinds == [.voidReservation])
        }
        let approving = RewardTransition.legs(from: .eligible, to: .approved, reward: posting)
        #expect(approving.count { $0.kind == .postReservation } == 1)
    }
}
