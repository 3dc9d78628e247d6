import Contracts
import DurableKit
import HTTPKit
import Kernel

/// The calls of the pulses to other services. Each ends in a few seconds, whatever happens.
struct PulsePeers: Sendable {
    /// Of one call. It is not repeated here: the engine does, and looks for a pause before it.
    private static let deadline = Duration.seconds(5)

    let campaign: PeerClient
    let reward: PeerClient

    /// What the run's revision of the campaign gives.
    func rewardRules(_ input: PulseInput) async throws -> [RewardRule] {
        let definition = try await call(
            campaign, CampaignContracts.getCampaign,
            GetCampaignRequest(
                clientID: input.clientID, campaignID: input.campaignID, revision: input.revision),
            CallOptions(deadline: Self.deadline, attempts: 1))
        return definition.rewardRules
    }

    /// Judges who was there at the event; the decision is stored by reward-service.
    func checkEligibility(_ input: PulseInput, key: String) async throws -> JudgedEligibility {
        let event = try JSONCoding.parse(Array(input.event.utf8))
        let decision = try await call(
            reward, RewardContracts.checkEligibility,
            CheckEligibilityRequest(
                clientID: input.clientID, campaignID: input.campaignID, revision: input.revision,
                participantID: input.participantID, subject: input.subject, event: event,
                dryRun: false),
            options(input, key))
        guard let id = decision.decisionID else {
            throw PermanentFailure(
                code: "decision_not_stored", detail: "The eligibility decision has no id.")
        }
        return JudgedEligibility(
            decisionID: id, isEligible: decision.eligible,
            failedChecks: decision.checks.filter { !$0.passed }.map(\.code))
    }

    func allocate(
        _ request: AllocateRewardRequest, _ input: PulseInput, key: String
    ) async throws -> AllocateRewardResponse {
        try await call(reward, RewardContracts.allocate, request, options(input, key))
    }

    func fulfil(
        _ request: FulfilRewardRequest, _ input: PulseInput, key: String
    ) async throws -> RewardSummary {
        try await call(reward, RewardContracts.fulfil, request, options(input, key))
    }

    /// The callee answers only when it has seen the event that started the run.
    private func options(_ input: PulseInput, _ key: String) -> CallOptions {
        CallOptions(
            idempotencyKey: key, position: input.position.description, deadline: Self.deadline,
            attempts: 1)
    }

    private func call<Input, Output>(
        _ peer: PeerClient, _ endpoint: Endpoint<Input, Output>, _ input: Input,
        _ options: CallOptions
    ) async throws -> Output {
        do {
            return try await peer.call(endpoint, input, options)
        } catch {
            throw PeerCallFailure(peer: peer.name, error: error)
        }
    }
}

/// What the run keeps of a decision; all of it is with reward-service.
struct JudgedEligibility: Sendable, Codable, Hashable {
    let decisionID: String
    let isEligible: Bool
    /// The codes of what did not hold.
    let failedChecks: [String]
}

/// A call to another service that brought nothing.
struct PeerCallFailure: Error, Sendable {
    let peer: String
    let error: PeerError
}
