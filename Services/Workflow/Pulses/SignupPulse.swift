import Contracts
import DurableKit
import Kernel

/// Somebody signed up: who may take part gets a link of their own and what the campaign promises,
/// and so does the one who brought them.
///
/// Version 2 knows referrals and messages, version 3 gives all rewards in one step. Runs of the
/// versions before ask for the same steps as ever; those of version 1 have recorded other things by
/// the name of the first one, and for them the campaign is what it was then: nothing but rules.
struct SignupPulse: Workflow {
    static let name = "signup"
    static let version = 3

    let peers: PulsePeers
    let effects: PulseEffects

    func run(_ context: WorkflowContext, _ input: PulseInput) async throws -> PulseResult {
        let steps = PulseSteps(peers: peers, effects: effects, context: context, input: input)
        let plan =
            context.version < 3
            ? try await steps.configuration(rulesOnly: context.version == 1) : try steps.plan()
        guard let judged = try await steps.eligibility() else { return PulseResult(.campaignEnded) }
        guard judged.isEligible else {
            return PulseResult(
                .notEligible, decisionID: judged.decisionID, failedChecks: judged.failedChecks)
        }
        let conversion = { @Sendable in
            plan.referral == nil ? nil : try await steps.conversion(.signup)
        }
        guard context.version < 3 else { return try await steps.settle(plan, judged, conversion) }
        return try await steps.settleOneByOne(plan, judged, try await conversion())
    }
}
