import Contracts
import DurableKit
import HTTPKit
import Kernel

/// The calls of the pulses to other services. Each ends in a few seconds, whatever happens.
struct PulsePeers: Sendable {
    /// Of one call. It is not repeated here: the engine does, and looks for a pause before it.
    private static let deadline = Duration.seconds(5)

    let campaignService: PeerClient
    let rewardService: PeerClient
    let referralService: PeerClient
    let notificationService: PeerClient

    /// The run's revision of the campaign.
    func campaign(_ input: PulseInput) async throws -> CampaignDefinition {
        try await call(
            campaignService, CampaignContracts.getCampaign,
            GetCampaignRequest(
                clientID: input.clientID, campaignID: input.campaignID, revision: input.revision),
            CallOptions(deadline: Self.deadline, attempts: 1))
    }

    /// Judges who would be rewarded; the decision is stored by reward-service.
    func checkEligibility(
        of participant: ParticipantID, _ input: PulseInput, key: String
    ) async throws -> JudgedEligibility {
        let event = try JSONCoding.parse(Array(input.event.utf8))
        let decision = try await call(
            rewardService, RewardContracts.checkEligibility,
            CheckEligibilityRequest(
                clientID: input.clientID, campaignID: input.campaignID, revision: input.revision,
                participantID: participant, subject: input.subject, event: event, dryRun: false),
            options(input, key))
        guard let id = decision.decisionID else {
            throw PermanentFailure(
                code: "decision_not_stored", detail: "The eligibility decision has no id.")
        }
        return JudgedEligibility(
            decisionID: id, isEligible: decision.eligible, failedChecks: decision.checks.failed)
    }

    /// Asks who brought the participant; a conversion is booked by referral-service.
    func checkConversion(
        _ kind: ConversionKind, _ input: PulseInput, occurredAt: Timestamp, runID: RunID,
        key: String
    ) async throws -> JudgedConversion {
        let decision = try await call(
            referralService, ReferralContracts.checkConversion,
            CheckConversionRequest(
                clientID: input.clientID, campaignID: input.campaignID, revision: input.revision,
                kind: kind, participantID: input.participantID, subject: input.subject,
                occurredAt: occurredAt, value: try PurchaseValue.told(in: input.event),
                runID: runID),
            options(input, key))
        guard decision.outcome != .converted || decision.referrerID != nil else {
            throw PermanentFailure(
                code: "conversion_without_referrer", detail: "The conversion names no referrer.")
        }
        return JudgedConversion(
            outcome: decision.outcome, decisionID: decision.decisionID,
            conversionID: decision.conversionID, referrerID: decision.referrerID,
            failedChecks: decision.checks.failed)
    }

    /// The participant's own link in the campaign.
    func issueLink(_ input: PulseInput, key: String) async throws -> IssuedLink {
        let link = try await call(
            referralService, ReferralContracts.issueLink,
            IssueReferralLinkRequest(
                clientID: input.clientID, campaignID: input.campaignID,
                participantID: input.participantID),
            options(input, key))
        return IssuedLink(linkID: link.linkID, code: link.code, url: link.url)
    }

    func grant(
        _ request: GrantRewardsRequest, _ input: PulseInput, key: String
    ) async throws -> [AllocateRewardResponse] {
        try await call(rewardService, RewardContracts.grant, request, options(input, key)).results
    }

    func allocate(
        _ request: AllocateRewardRequest, _ input: PulseInput, key: String
    ) async throws -> AllocateRewardResponse {
        try await call(rewardService, RewardContracts.allocate, request, options(input, key))
    }

    func fulfil(
        _ request: FulfilRewardRequest, _ input: PulseInput, key: String
    ) async throws -> RewardSummary {
        try await call(rewardService, RewardContracts.fulfil, request, options(input, key))
    }

    func notify(
        _ request: SendNotificationRequest, _ input: PulseInput, key: String
    ) async throws -> SendNotificationResponse {
        try await call(
            notificationService, NotificationContracts.send, request, options(input, key))
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

extension [EligibilityCheck] {
    /// The codes of what did not hold.
    fileprivate var failed: [String] { filter { !$0.passed }.map(\.code) }
}

/// A call to another service that brought nothing.
struct PeerCallFailure: Error, Sendable {
    let peer: String
    let error: PeerError
}
