import Contracts
import DurableKit
import Kernel

/// Somebody bought: when another brought them, both get what the campaign promises. A purchase that
/// nobody brought about gives nothing to anybody.
///
/// Version 2 gives all rewards in one step; runs of version 1 ask for the same steps as ever.
struct ConversionPulse: Workflow {
    static let name = "conversion"
    static let version = 2

    let peers: PulsePeers
    let effects: PulseEffects

    func run(_ context: WorkflowContext, _ input: PulseInput) async throws -> PulseResult {
        let steps = PulseSteps(peers: peers, effects: effects, context: context, input: input)
        let plan =
            context.version < 2 ? try await steps.configuration() : try steps.plan()
        guard let judged = try await steps.eligibility() else { return PulseResult(.campaignEnded) }
        guard judged.isEligible else {
            return PulseResult(
                .notEligible, decisionID: judged.decisionID, failedChecks: judged.failedChecks)
        }
        let conversion = try await steps.conversion(.purchase)
        switch conversion.outcome {
        case .converted:
            return context.version < 2
                ? try await steps.settleOneByOne(plan, judged, conversion)
                : try await steps.settle(plan, judged) { conversion }
        case .unattributed:
            return PulseResult(
                .notAttributed, decisionID: judged.decisionID, conversion: conversion)
        case .refused:
            return PulseResult(
                .conversionRefused, decisionID: judged.decisionID, conversion: conversion)
        }
    }
}
