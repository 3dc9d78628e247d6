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

    // MARK: - Purchases

    private func subject(of event: LogEvent) -> String? {
        guard case .starts(_, let subject) = judge(event, shop.campaign(pulse: .conversion)) else {
            return nil
        }
        return subject
    }

    @Test func `an order is one subject, whoever tells of it and however its id is written`() {
        let told = [
            shop.purchase("bea", order: "1001", id: "webhook"),
            shop.purchase("bea", id: "page", properties: ["order_id": "1001"]),
            shop.purchase("bea", id: "server", properties: ["order_id": 1001]),
            shop.purchase("bea", order: "1001", id: "both", properties: ["order_id": "other"]),
        ]
        #expect(told.map(subject) == Array(repeating: "1001", count: 4))
        let large = JSONValue.number(JSONNumber(text: "123456789012345678901234567890"))
        #expect(
            subject(of: shop.purchase("bea", properties: ["order_id": large]))
                == "123456789012345678901234567890")
    }

    @Test(
        arguments: [
            [:], ["order_id": ""], ["order_id": nil], ["order_id": true], ["order_id": ["a"]],
            ["order_id": "a\nb"], ["order_id": "a\u{0}"], ["order_id": -1],
            ["order_id": .number(JSONNumber(text: "10.5"))],
            ["order_id": .number(JSONNumber(text: "1e3"))],
            ["order_id": .string(String(repeating: "x", count: 201))],
        ] as [JSONValue])
    func `a purchase without a usable order id is a subject of its own`(properties: JSONValue) {
        #expect(
            subject(of: shop.purchase("bea", id: "event-1", properties: properties)) == "event-1")
    }

    @Test func `the longest subjects stay within what a run's key may hold`() {
        let long = String(repeating: "\u{1F347}", count: 200)
        #expect(subject(of: shop.purchase("bea", order: long)) == long)
        func key(_ subject: String) -> String {
            PulseInput(
                clientID: shop.clientID, campaignID: shop.campaignID, revision: 1,
                pulse: .conversion, participantID: shop.participant("bea"), subject: subject,
                event: "{}", position: LogPosition(shard: 0, position: 1), occurredAt: nil
            ).keyName
        }
        #expect(key("A-1") == "\(shop.campaignID)/A-1")
        #expect(key(long).utf8.count <= 300)
        #expect(key(long) != key(String(long.dropLast()) + "\u{1F348}"))
    }
}
