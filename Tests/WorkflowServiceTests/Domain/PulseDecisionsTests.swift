import Contracts
import FoundationEssentials
import Kernel
import Testing

@testable import WorkflowService

@Suite struct PulseDecisionsTests {
    private let rewardID = RewardID(UUID())

    private func answer(
        _ status: RewardStatus, _ outcome: AllocateRewardResponse.Outcome = .allocated
    ) -> AllocateRewardResponse {
        AllocateRewardResponse(
            outcome: outcome,
            reward: RewardSummary(
                rewardID: rewardID, campaignID: CampaignID(UUID()), ruleID: "welcome",
                participantID: ParticipantID(UUID()), role: .participant, subject: "s",
                amount: .dollars(1), status: status),
            reason: nil)
    }

    @Test func `an approved reward is handed over unless the rule waits for somebody`() throws {
        let automatic = RewardRule.sample("welcome")
        let manual = RewardRule.sample("welcome", fulfilment: .manual)
        for outcome in [AllocateRewardResponse.Outcome.allocated, .existing] {
            let approved = answer(.approved, outcome)
            let reward = try #require(approved.reward)
            #expect(PulseDecisions.after(approved, of: automatic) == .fulfil(reward))
            #expect(
                PulseDecisions.after(approved, of: manual)
                    == .settled(RuleResult(manual, outcome: "awaiting_fulfilment", reward)))
        }
    }

    @Test(arguments: [
        (RewardStatus.eligible, "awaiting_approval"), (.fulfilled, "fulfilled"),
        (.reversed, "reversed"),
    ])
    func `a reward that is not just approved is left alone`(status: RewardStatus, outcome: String)
        throws
    {
        let rule = RewardRule.sample("welcome")
        let answer = answer(status)
        let reward = try #require(answer.reward)
        #expect(
            PulseDecisions.after(answer, of: rule)
                == .settled(RuleResult(rule, outcome: outcome, reward)))
    }

    @Test func `the outcome of a run is the best of its rules`() throws {
        let rule = RewardRule.sample("a")
        let rewarded = RuleResult(
            rule, outcome: "fulfilled", try #require(answer(.fulfilled).reward))
        let refused = RuleResult(rule, outcome: "refused", reason: "budget_exceeded")
        let skipped = RuleResult(rule, outcome: "no_referrer")
        #expect(PulseDecisions.outcome(of: [refused, rewarded, skipped]) == .rewarded)
        #expect(PulseDecisions.outcome(of: [skipped, refused]) == .refused)
        #expect(PulseDecisions.outcome(of: [skipped]) == .nothingDue)
        #expect(PulseDecisions.outcome(of: []) == .nothingDue)
    }

    // MARK: - The referrer

    private let referrer = ParticipantID(UUID())

    private func conversion(_ outcome: ConversionDecision.Outcome) -> JudgedConversion {
        JudgedConversion(
            outcome: outcome, decisionID: "a", conversionID: nil,
            referrerID: outcome == .converted ? referrer : nil, failedChecks: [])
    }

    private func judged(_ isEligible: Bool) -> JudgedEligibility {
        JudgedEligibility(decisionID: "d", isEligible: isEligible, failedChecks: [])
    }

    @Test func `a referrer is entitled by a conversion and a decision of their own`() {
        let nobody = PulseDecisions.Side.excluded(outcome: "no_referrer", reason: nil)
        #expect(PulseDecisions.referrer(nil, nil) == nobody)
        #expect(PulseDecisions.referrer(conversion(.unattributed), judged(true)) == nobody)
        #expect(PulseDecisions.referrer(conversion(.converted), nil) == nobody)
        #expect(
            PulseDecisions.referrer(conversion(.refused), judged(true))
                == .excluded(outcome: "refused", reason: "conversion_refused"))
        #expect(
            PulseDecisions.referrer(conversion(.converted), judged(false))
                == .excluded(outcome: "refused", reason: "not_eligible"))
        #expect(
            PulseDecisions.referrer(conversion(.converted), judged(true))
                == .entitled(referrer, decisionID: "d"))
    }

    @Test func `a rule for a side that may have nothing is passed over with the side's reason`() {
        let rule = RewardRule.sample("thanks", recipient: .referrer)
        #expect(
            PulseDecisions.step(for: rule, .entitled(referrer, decisionID: "d"))
                == .allocate(referrer, decisionID: "d"))
        #expect(
            PulseDecisions.step(for: rule, .excluded(outcome: "refused", reason: "not_eligible"))
                == .skip(RuleResult(rule, outcome: "refused", reason: "not_eligible")))
    }

    // MARK: - Messages

    @Test func `a side is written to unless it is missing or got nothing of what it was promised`()
        throws
    {
        let message = CampaignNotification.sample("thank_you", to: .referrer)
        let side = PulseDecisions.Side.entitled(referrer, decisionID: "d")
        let theirs = RewardRule.sample("thanks", recipient: .referrer)
        let other = RewardRule.sample("welcome")
        let rewarded = RuleResult(
            theirs, outcome: "fulfilled", try #require(answer(.fulfilled).reward))
        let refused = RuleResult(theirs, outcome: "refused", reason: "budget_exceeded")
        let othersRefused = RuleResult(other, outcome: "refused", reason: "budget_exceeded")
        let skipped = { (reason: String) in
            PulseDecisions.NotificationStep.skip(
                NotificationResult(message, outcome: "skipped", reason: reason))
        }
        #expect(PulseDecisions.step(for: message, side, after: []) == .send(to: referrer))
        #expect(
            PulseDecisions.step(for: message, side, after: [othersRefused]) == .send(to: referrer))
        #expect(
            PulseDecisions.step(for: message, side, after: [refused, rewarded])
                == .send(to: referrer))
        #expect(
            PulseDecisions.step(for: message, side, after: [refused]) == skipped("not_rewarded"))
        let missing = PulseDecisions.Side.excluded(outcome: "no_referrer", reason: nil)
        #expect(PulseDecisions.step(for: message, missing, after: []) == skipped("no_referrer"))
        let excluded = PulseDecisions.Side.excluded(outcome: "refused", reason: "not_eligible")
        #expect(PulseDecisions.step(for: message, excluded, after: []) == skipped("not_eligible"))
    }

    @Test func `a template hears of the reward of its own side, the link and the order`() throws {
        let shop = Shop()
        let input = PulseInput(
            clientID: shop.clientID, campaignID: shop.campaignID, revision: 1, pulse: .conversion,
            participantID: shop.participant("bea"), subject: "A-1", event: "{}",
            position: LogPosition(shard: 0, position: 1), occurredAt: nil)
        let plan = PulsePlan(shop.bothSides(.conversion))
        let link = IssuedLink(
            linkID: LinkID(UUID()), code: "CODE", url: "https://go.example/r/CODE")
        let rules = [
            RuleResult(
                .sample("thanks", recipient: .referrer), outcome: "fulfilled",
                try #require(answer(.fulfilled).reward)),
            RuleResult(.sample("welcome"), outcome: "refused", reason: "budget_exceeded"),
        ]
        let participants = PulseDecisions.variables(
            for: .participant, input, plan, link: link, rules: rules)
        let campaign: JSONValue = [
            "name": "Welcome", "campaign_id": .string(shop.campaignID.description),
        ]
        #expect(
            participants == [
                "campaign": campaign, "order": ["id": "A-1"],
                "referral": ["code": "CODE", "url": "https://go.example/r/CODE"],
            ])
        let referrers = PulseDecisions.variables(
            for: .referrer, input, plan, link: link, rules: rules)
        #expect(
            referrers == [
                "campaign": campaign, "order": ["id": "A-1"],
                "reward": [
                    "units": "1", "asset": "USD", "formatted": "0.01 USD", "rule_id": "thanks",
                ],
            ])
    }
}
