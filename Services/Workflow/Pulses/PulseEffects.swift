import Contracts
import DurableKit
import Kernel

/// Lets a run do something to the world only while its campaign allows it.
struct PulseEffects: Sendable {
    /// For calls to other services: at once again after a hiccup, then for long.
    let retry: RetryPolicy
    let campaigns: CampaignStatuses

    init(retryLimit: Duration, campaigns: CampaignStatuses) {
        retry = RetryPolicy(
            limit: .elapsed(retryLimit), initialDelay: .milliseconds(100),
            maximumDelay: .seconds(12), attemptTimeout: .seconds(8))
        self.campaigns = campaigns
    }

    /// An effect that is settled also after the campaign's end, because it was earned before.
    func perform<Value: Codable & Sendable>(
        _ name: String, _ occurrence: String? = nil, of input: PulseInput,
        in context: WorkflowContext, _ body: @escaping @Sendable (String) async throws -> Value
    ) async throws -> Value {
        let value = try await perform(
            name, occurrence, of: input, in: context, endsWithCampaign: false, body)
        guard let value else {
            throw PermanentFailure(
                code: "effect_lost", detail: "The step '\(name)' has no result.")
        }
        return value
    }

    /// Nil when the campaign has ended and the effect with it.
    ///
    /// The status is asked for at every attempt, so that a pause also holds a call that is being
    /// tried again. A pause ends the step without a result; its time does not count as retrying.
    /// The key stays the same through all passes.
    func perform<Value: Codable & Sendable>(
        _ name: String, _ occurrence: String? = nil, of input: PulseInput,
        in context: WorkflowContext, endsWithCampaign: Bool,
        _ body: @escaping @Sendable (String) async throws -> Value
    ) async throws -> Value? {
        let step = [name, occurrence].compactMap(\.self).joined(separator: ":")
        let key = "\(context.runID):\(step)"
        var pass = 1
        while true {
            let passName = pass == 1 ? nil : "pass\(pass)"
            let parts = [occurrence, passName].compactMap(\.self)
            let result: EffectResult<Value> = try await context.step(
                name, occurrence: parts.isEmpty ? nil : parts.joined(separator: ":"), retry: retry
            ) { _ in
                switch try await standing(input) {
                case .held: return .held
                case .over where endsWithCampaign: return .ended
                case .over, .running: return .done(try await body(key))
                }
            }
            switch result {
            case .done(let value): return value
            case .ended: return nil
            case .held: try await waitWhileHeld(step, pass, input, context)
            }
            pass += 1
        }
    }

    private func waitWhileHeld(
        _ step: String, _ pass: Int, _ input: PulseInput, _ context: WorkflowContext
    ) async throws {
        try await context.step(
            "resumed", occurrence: "\(step):\(pass)", retry: CampaignHeld.policy
        ) { attempt in
            if try await standing(input) == .held { throw CampaignHeld(looks: attempt.number) }
        }
    }

    private func standing(_ input: PulseInput) async throws -> CampaignStanding {
        CampaignStanding(
            try await campaigns.status(of: input.campaignID, client: input.clientID))
    }
}

/// What came of one pass of an effect; recorded.
enum EffectResult<Value: Codable & Sendable>: Codable, Sendable {
    case done(Value)
    /// The campaign is paused; nothing was done.
    case held
    /// The campaign has ended; nothing was done and nothing will be.
    case ended
}

/// The campaign is still paused.
struct CampaignHeld: Error, Sendable {
    /// How often the run has looked.
    let looks: Int

    /// A pause may last for ever; when to look again is said by the failure itself.
    static let policy = RetryPolicy(
        limit: .never, initialDelay: .milliseconds(1), maximumDelay: .milliseconds(1),
        attemptTimeout: .seconds(8))

    /// Every 2 s for five minutes; then so seldom that the run leaves memory in between.
    var nextLook: Duration { looks < 150 ? .seconds(2) : .seconds(45) }
}
