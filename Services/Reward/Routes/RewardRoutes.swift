import Contracts
package import HTTPKit
import Kernel
import MessagingKit
import ServiceKit

extension RewardService {
    /// Every route of the service.
    package func routes(_ router: inout Router) {
        router.group(context.audiences.portal) { group in portal(&group) }
        // A call that an event caused is answered when that event is known here too.
        let barrier = BarrierMiddleware([subscriber.barrier])
        router.group(context.audiences.internal(middleware: [barrier])) { group in
            let check = CheckEligibility(
                assessment: assessment, definitions: definitions, checking: checking)
            let allocate = AllocateReward(
                definitions: definitions, granting: granting, world: context.world)
            let fulfil = FulfilReward(
                rewards: rewards, postgres: context.postgres, faults: context.world.faults)
            group.on(RewardContracts.checkEligibility) { input, request, _ in
                try await check.respond(input, request)
            }
            let grant = GrantRewards(
                definitions: definitions, granting: granting, world: context.world)
            group.on(RewardContracts.grant) { input, _, caller in
                try await grant.respond(input, caller)
            }
            group.on(RewardContracts.allocate) { input, _, _ in try await allocate.respond(input) }
            group.on(RewardContracts.fulfil) { input, _, caller in
                try await fulfil.respond(input, caller)
            }
        }
    }

    private func portal(_ group: inout RouteGroup<PortalPrincipal>) {
        let preview = PreviewEligibility(assessment: assessment)
        let decision = ReadDecision(decisions: decisions)
        group.post("/eligibility/check", handler: preview.respond)
        group.get("/eligibility/decisions/{decision_id}", handler: decision.respond)

        let list = ListRewards(rewards: rewards)
        let read = ReadReward(rewards: rewards)
        group.get("/rewards", handler: list.respond)
        group.get("/rewards/{reward_id}", handler: read.respond)
        for (action, status) in MoveReward.actions {
            let move = MoveReward(
                status: status, rewards: rewards, idempotency: context.idempotency,
                postgres: context.postgres)
            group.post("/rewards/{reward_id}/\(action)", handler: move.respond)
        }

        let budget = ReadBudget(ledger: ledger)
        let accounts = ListAccounts(ledger: ledger)
        let transfers = ListTransfers(ledger: ledger)
        let balance = ReadTrialBalance(audit: audit)
        group.get("/budgets/{campaign_id}", handler: budget.respond)
        group.get("/ledger/accounts", handler: accounts.respond)
        group.get("/ledger/transfers", handler: transfers.respond)
        group.get("/ledger/trial-balance", handler: balance.respond)
    }

    private var assessment: Assessment {
        Assessment(campaigns: campaigns, profiles: profiles)
    }
}
