import Contracts
import FoundationEssentials
import Kernel
import Testing

@testable import WorkflowService

@Suite struct TriggerMatchTests {
    private let shop = Shop()
    private let now = SystemClock().now()

    private func judge(_ event: LogEvent, _ campaign: CampaignDefinition) -> TriggerVerdict {
        TriggerMatch.judge(event, campaign, businessNow: now)
    }

    @Test func `an event that fits starts a run for its participant`() {
        let participant = shop.participant("ada")
        #expect(
            judge(shop.signup("ada"), shop.campaign())
                == .starts(participant, subject: participant.description))
    }

    @Test(arguments: [CampaignStatus.draft, .inReview, .paused, .completed, .expired, .closed])
    func `a campaign that is not active starts nothing`(_ status: CampaignStatus) {
        #expect(judge(shop.signup("ada"), shop.campaign(status)) == .passes(.notActive))
    }

    @Test func `an event that names another campaign is not for this one`() {
        let event = shop.signup("ada")
        let named = LogEvent(
            position: event.position, eventID: "e", type: event.type, clientID: event.clientID,
            campaignID: CampaignID(UUID()), participant: event.participant,
            occurredAt: event.occurredAt, receivedAt: event.receivedAt, trust: event.trust,
            properties: [:])
        #expect(judge(named, shop.campaign()) == .passes(.otherCampaign))
    }

    @Test func `other events, visitors and events that are believed too little are passed over`() {
        let campaign = shop.campaign()
        #expect(judge(shop.signup("ada", type: "order"), campaign) == .passes(.otherEvent))
        #expect(judge(shop.signup(nil), campaign) == .passes(.noParticipant))
        #expect(judge(shop.signup("ada", trust: .browser), campaign) == .passes(.notTrusted))
        let open = shop.campaign(minimumTrust: .browser)
        #expect(judge(shop.signup("ada", trust: .browser), open) != .passes(.notTrusted))
    }

    @Test func `the condition is judged over the event`() {
        let campaign = shop.campaign(condition: .field("event.properties.plan", is: "pro"))
        let free = shop.signup("ada", properties: ["plan": "free"])
        let pro = shop.signup("ada", properties: ["plan": "pro"])
        #expect(judge(free, campaign) == .passes(.conditionNotMet))
        #expect(judge(shop.signup("ada"), campaign) == .passes(.conditionNotMet))
        #expect(judge(pro, campaign) != .passes(.conditionNotMet))
    }

    @Test func `the period includes its start and not its end`() {
        let event = shop.signup("ada")
        let refused = TriggerVerdict.passes(.outsidePeriod)
        #expect(judge(event, shop.campaign(startsAt: now)) != refused)
        #expect(judge(event, shop.campaign(startsAt: now + .seconds(1))) == refused)
        #expect(judge(event, shop.campaign(endsAt: now + .seconds(1))) != refused)
        #expect(judge(event, shop.campaign(endsAt: now)) == refused)
    }
}
