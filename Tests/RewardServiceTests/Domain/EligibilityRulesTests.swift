import Contracts
import FoundationEssentials
import Kernel
import Testing

@testable import RewardService

@Suite struct EligibilityRulesTests {
    private let asset: Asset
    private let now = Timestamp(microseconds: 1_800_000_000_000_000)

    init() throws {
        asset = try #require(Asset("USD"))
    }

    private func campaign(
        startsAt: Timestamp? = nil, endsAt: Timestamp? = nil, eligibility: Rule? = nil,
        limits: CampaignLimits = CampaignLimits()
    ) throws -> CampaignDefinition {
        CampaignDefinition(
            campaignID: CampaignID(UUID()), clientID: ClientID(UUID()), revision: 1,
            name: "Welcome", pulse: .signup, status: .active,
            triggers: [
                CampaignTrigger(event: "user_signed_up", condition: nil, minimumTrust: .server)
            ],
            startsAt: startsAt, endsAt: endsAt, eligibility: eligibility,
            rewardRules: [
                RewardRule(
                    ruleID: "welcome", recipient: .participant, kind: .credit,
                    amount: try Amount(units: 1000, asset: asset), approval: .automatic,
                    fulfilment: .automatic)
            ],
            limits: limits, budget: try Amount(units: 5000, asset: asset))
    }

    private func participant(trusted: JSONValue, all: JSONValue) -> ParticipantProfile {
        ParticipantProfile(
            participantID: ParticipantID(UUID()), clientID: ClientID(UUID()), externalID: "user-1",
            traits: all, trustedTraits: trusted, firstSeenAt: now - .seconds(86_400 * 3),
            lastSeenAt: now, signedUpAt: now)
    }

    private func failed(
        _ campaign: CampaignDefinition, status: CampaignStatus = .active,
        participant: ParticipantProfile? = nil, available: Int128 = 5000, given: Int = 0,
        givenToParticipant: Int = 0
    ) throws -> [String] {
        let inputs = EligibilityInputs(
            campaign: campaign, campaignStatus: status,
            participant: participant ?? self.participant(trusted: [:], all: [:]),
            event: ["type": "user_signed_up"], now: now,
            budgetAvailable: try Amount(units: available, asset: asset), rewardsGiven: given,
            rewardsGivenToParticipant: givenToParticipant)
        let checks = EligibilityRules.judge(inputs)
        #expect(checks.count == 7, "every check is reported")
        return checks.filter { !$0.passed }.map(\.code)
    }

    @Test func `an open campaign takes everybody who is known`() throws {
        #expect(try failed(try campaign()) == [])
    }

    @Test(arguments: [CampaignStatus.draft, .completed, .expired, .closed])
    func `a campaign that is not running takes nobody`(_ status: CampaignStatus) throws {
        #expect(try failed(try campaign(), status: status) == ["campaign_active"])
    }

    @Test func `the period is from its start up to, not including, its end`() throws {
        #expect(try failed(try campaign(startsAt: now, endsAt: now + .seconds(1))) == [])
        #expect(try failed(try campaign(startsAt: now + .seconds(1))) == ["within_period"])
        #expect(try failed(try campaign(endsAt: now)) == ["within_period"])
    }

    @Test func `a budget that cannot pay the smallest reward is a refusal`() throws {
        #expect(try failed(try campaign(), available: 999) == ["budget_available"])
        #expect(try failed(try campaign(), available: 1000) == [])
    }

    @Test func `caps count what was given before`() throws {
        let limits = CampaignLimits(maximumRewards: 10, maximumRewardsPerParticipant: 1)
        let campaign = try campaign(limits: limits)
        #expect(try failed(campaign, given: 9) == [])
        #expect(
            try failed(campaign, given: 10, givenToParticipant: 1)
                == ["campaign_limit", "participant_limit"])
    }

    @Test func `a trait that only a browser told does not choose who is paid`() throws {
        let rule = Rule.condition(
            .init(field: "traits.plan", comparison: .equals, value: "pro"))
        let campaign = try campaign(eligibility: rule)
        let forged = participant(trusted: [:], all: ["plan": "pro"])
        let told = participant(trusted: ["plan": "pro"], all: ["plan": "pro"])
        #expect(try failed(campaign, participant: forged) == ["campaign_rule"])
        #expect(try failed(campaign, participant: told) == [])
    }

    @Test func `a failed rule shows each of its conditions`() throws {
        let rule = Rule.all([
            .condition(.init(field: "traits.plan", comparison: .equals, value: "pro")),
            .condition(
                .init(field: "participant.tenure_days", comparison: .greaterOrEqual, value: 3)),
        ])
        let inputs = EligibilityInputs(
            campaign: try campaign(eligibility: rule), campaignStatus: .active,
            participant: participant(trusted: ["plan": "free"], all: [:]), event: [:], now: now,
            budgetAvailable: try Amount(units: 5000, asset: asset), rewardsGiven: 0,
            rewardsGivenToParticipant: 0)
        let check = try #require(
            EligibilityRules.judge(inputs).first { $0.code == "campaign_rule" })
        #expect(check.conditions.map(\.passed) == [false, true])
        #expect(check.conditions.map(\.actual) == ["free", 3])
    }
}
