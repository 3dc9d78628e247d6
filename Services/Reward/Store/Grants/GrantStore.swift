import Contracts
import Kernel
import MessagingKit
import PostgresKit

/// Gives rewards, and hands them over, for many calls in one transaction.
///
/// The transaction first locks the campaigns, then reads what the calls depend on, decides, and
/// writes. What it reads holds until it ends; the constraints stand behind it all the same.
struct GrantStore: Sendable {
    let postgres: PostgresClient
    let outbox: Outbox
    let messages: RewardMessages
    let world: World

    /// Decides the calls in their order, all or none. One result for each; a call that rests on no
    /// decision fails by itself.
    func give(
        _ calls: [GrantCall]
    ) async throws -> [Result<[AllocateRewardResponse], RewardFailure>] {
        let grants = calls.flatMap(\.grants)
        let (results, hasNews) = try await postgres.withTransaction { transaction in
            var plan = GrantPlan(try await standing(grants, in: transaction), ids: world.ids)
            let results = calls.map { call in
                Result { () throws(RewardFailure) in try plan.decide(call) }
            }
            if plan.isEmpty { return (results, false) }
            let news = announcements(plan)
            let statements = try statements(plan, news)
            world.faults.reach(RewardCrashPoint.grantBeforeCommit)
            _ = try await transaction.commit(with: statements)
            return (results, !news.isEmpty)
        }
        if hasNews { outbox.written() }
        return results
    }

    /// One round trip; another one when rewards from before are to be handed over, whose statuses
    /// people may change at the same time.
    private func standing(
        _ grants: [Grant], in transaction: Transaction
    ) async throws -> GrantStanding {
        let campaigns = Set(grants.map(\.campaign)).sorted()
        let accounts = Array(Set(grants.flatMap(\.accounts)))
        let results = try await transaction.pipeline([
            GrantSQL.lock(campaigns, at: world.clock.now()), GrantSQL.outcomes(grants),
            LedgerWriting.available(accounts),
        ])
        var standing = try GrantStanding(results, of: grants, accounts: accounts)
        let approved = standing.toHandOver(grants)
        guard !approved.isEmpty else { return standing }
        for row in try await transaction.query(GrantSQL.lock(approved)) {
            standing.take(try RewardRow(row: row))
        }
        return standing
    }

    private func statements(_ plan: GrantPlan, _ news: [LogMessage]) throws -> [SQL] {
        var statements: [SQL] = []
        if !plan.givings.isEmpty {
            statements.append(GrantSQL.insert(plan.givings))
            statements.append(GrantSQL.count(plan.givings))
        }
        if !plan.handOvers.isEmpty { statements.append(GrantSQL.fulfil(plan.handOvers)) }
        if !plan.refusals.isEmpty {
            statements.append(GrantSQL.refuse(plan.refusals, ids: world.ids))
        }
        if let now = plan.postings.first?.at {
            let missing = plan.accountsToOpen
            if !missing.isEmpty {
                statements.append(LedgerWriting.open(missing, at: now, ids: world.ids))
            }
            statements.append(LedgerWriting.post(plan.postings))
        }
        if !news.isEmpty { statements.append(try Outbox.insertion(of: news)) }
        return statements
    }

    private func announcements(_ plan: GrantPlan) -> [LogMessage] {
        let given = plan.givings.flatMap { giving in
            giving.grant.steps.compactMap { step in
                messages.message(
                    giving.grant.summary(step.to), of: giving.grant.clientID, at: giving.at)
            }
        }
        let handedOver = plan.handOvers.compactMap { moved in
            messages.message(
                moved.reward.summary(.fulfilled), of: moved.reward.clientID, at: moved.at)
        }
        return given + handedOver
    }
}

extension GrantStanding {
    /// The rewards from before that these grants hand over.
    fileprivate func toHandOver(_ grants: [Grant]) -> [RewardID] {
        grants.compactMap { grant in
            guard case .rewarded(let reward)? = outcomes[grant.rewardID],
                grant.handOverActor(of: reward) != nil
            else { return nil }
            return reward.summary.rewardID
        }
    }

    /// Replaces what was read of a reward before.
    fileprivate mutating func take(_ reward: RewardRow) {
        for (id, outcome) in outcomes {
            if case .rewarded(let known) = outcome,
                known.summary.rewardID == reward.summary.rewardID
            {
                outcomes[id] = .rewarded(reward)
            }
        }
    }
}

extension PostgresError {
    /// Whether an account would have gone below its limit.
    var isOverdraft: Bool {
        code == .checkViolation && constraint == "ledger_account_not_overdrawn"
    }
}
