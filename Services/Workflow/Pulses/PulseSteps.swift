import Contracts
import DurableKit
import Kernel

/// The steps that pulses are made of, for one run. Every effect is a call with a key of run and
/// step, so that a repeat is the same call.
struct PulseSteps: Sendable {
    let peers: PulsePeers
    let effects: PulseEffects
    let context: WorkflowContext
    let input: PulseInput

    /// What the run was started with.
    func plan() throws -> PulsePlan {
        guard let plan = input.plan else {
            throw PermanentFailure(code: "plan_missing", detail: "The run was started without it.")
        }
        return plan
    }

    /// For runs that were started without a plan.
    ///
    /// - Parameter rulesOnly: as runs recorded it before there were referrals.
    func configuration(rulesOnly: Bool = false) async throws -> PulsePlan {
        let (peers, input) = (peers, input)
        guard rulesOnly else {
            return try await context.step("configuration", retry: effects.retry) { _ in
                PulsePlan(try await peers.campaign(input))
            }
        }
        return PulsePlan(
            rulesOnly: try await context.step("configuration", retry: effects.retry) { _ in
                try await peers.campaign(input).rewardRules
            })
    }

    /// Nil when the campaign ended before.
    func eligibility() async throws -> JudgedEligibility? {
        let (peers, input) = (peers, input)
        return try await effects.perform(
            "eligibility", of: input, in: context, endsWithCampaign: true
        ) { key in
            try await peers.checkEligibility(of: input.participantID, input, key: key)
        }
    }

    /// Nil when there is nobody, or nothing is promised to them.
    func referrerEligibility(
        _ conversion: JudgedConversion?, _ plan: PulsePlan
    ) async throws -> JudgedEligibility? {
        guard conversion?.outcome == .converted, let referrer = conversion?.referrerID,
            plan.concerns(.referrer)
        else { return nil }
        let (peers, input) = (peers, input)
        return try await effects.perform("eligibility", "referrer", of: input, in: context) {
            key in
            try await peers.checkEligibility(of: referrer, input, key: key)
        }
    }

    func conversion(_ kind: ConversionKind) async throws -> JudgedConversion {
        let (peers, input, runID) = (peers, input, context.runID)
        // Runs that attribute keep the time; the run's start is what comes next to it.
        let occurredAt = input.occurredAt ?? context.startedAt
        return try await effects.perform("conversion", of: input, in: context) { key in
            try await peers.checkConversion(
                kind, input, occurredAt: occurredAt, runID: runID, key: key)
        }
    }

    /// The participant's own link; nil when the campaign gives out none, or has ended.
    func link(_ plan: PulsePlan) async throws -> IssuedLink? {
        guard plan.referral?.destinationURL != nil else { return nil }
        let (peers, input) = (peers, input)
        return try await effects.perform("link", of: input, in: context, endsWithCampaign: true) {
            key in
            try await peers.issueLink(input, key: key)
        }
    }

    // MARK: - Messages

    /// Writes to those who have something to hear. Nothing that goes wrong here fails the run: what
    /// was earned is there.
    func notify(
        _ plan: PulsePlan, _ sides: [RewardRecipient: PulseDecisions.Side], link: IssuedLink?,
        after rules: [RuleResult]
    ) async throws -> [NotificationResult] {
        try await inParallel(plan.notifications) { notification in
            let side = sides[notification.recipient] ?? .nobody
            switch PulseDecisions.step(for: notification, side, after: rules) {
            case .skip(let result): return result
            case .send(let participant):
                return try await send(
                    notification, to: participant,
                    variables: PulseDecisions.variables(
                        for: notification.recipient, input, plan, link: link, rules: rules))
            }
        }
    }

    private func send(
        _ notification: CampaignNotification, to participant: ParticipantID, variables: JSONValue
    ) async throws -> NotificationResult {
        let (peers, input) = (peers, input)
        let request = SendNotificationRequest(
            clientID: input.clientID, campaignID: input.campaignID, runID: context.runID,
            participantID: participant, channel: notification.channel,
            template: notification.template, variables: variables)
        do {
            let answer = try await effects.perform(
                "notify", "\(notification.recipient.rawValue):\(notification.template)",
                of: input, in: context
            ) { key in
                try await peers.notify(request, input, key: key)
            }
            return NotificationResult(
                notification, outcome: answer.outcome.rawValue, reason: answer.reason,
                notificationID: answer.notificationID)
        } catch let failure as StepFailure {
            return NotificationResult(
                notification, outcome: "failed", reason: failure.failure.code)
        }
    }

    /// Steps have names of their own, so that their order does not matter to a replay. All come to
    /// their end before the first failure is thrown.
    func inParallel<Element: Sendable, Value: Sendable>(
        _ elements: [Element], _ body: @escaping @Sendable (Element) async throws -> Value
    ) async throws -> [Value] {
        let results = await withTaskGroup(of: (Int, Result<Value, any Error>).self) { group in
            for (index, element) in elements.enumerated() {
                group.addTask {
                    do {
                        return (index, .success(try await body(element)))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        return try results.sorted { $0.0 < $1.0 }.map { try $0.1.get() }
    }
}
