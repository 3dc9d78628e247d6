import Contracts
import FoundationEssentials
import Kernel
import Synchronization
import TestKit
import Testing

@testable import WorkflowService

/// Events that come through the log, and the runs that they start.
@Suite(.serialized, .timeLimit(.minutes(3))) struct MatchingTests {
    @Test func `a sign-up becomes one rewarded run, in the trace of its event`() async throws {
        try await WorkflowHarness.run { harness in
            let trace = TraceContext()
            let position = harness.platform.append([
                harness.shop.signup("ada", traceparent: trace.traceparent)
            ])[0]
            let run = try await harness.ended()[0]
            #expect(run["status"] == "completed")
            #expect(run["outcome"] == "rewarded")
            #expect(run["reward_ids"]?.array?.count == 1)
            #expect(run["rules"]?.array?.first?["outcome"] == "fulfilled")
            let calls = ["check", "grant"].flatMap { harness.platform.calls($0) }
            #expect(calls.count == 2)
            #expect(Set(calls.map(\.key)).count == 2)
            #expect(calls.allSatisfy { $0.position == position.description })
            #expect(calls.allSatisfy { $0.traceID == trace.traceID })
            let message = try await eventually("the end is told") {
                harness.platform.events(WorkflowMessage.completed).first
            }
            #expect(
                message.traceparent.flatMap { TraceContext(traceparent: $0) }?.traceID
                    == trace.traceID)
            let outcome = try harness.platform.outcomes(WorkflowMessage.completed)[0]
            #expect(outcome.outcome == "rewarded")
            #expect(outcome.subject == harness.shop.participant("ada").description)
            #expect(outcome.runID.description == run["run_id"]?.string)
        }
    }

    @Test func `a subject has one run, however often and wherever its event arrives`() async throws
    {
        try await WorkflowHarness.run { harness in
            try await harness.start()
            let shop = harness.shop
            await withDiscardingTaskGroup { group in
                for number in 0..<40 {
                    group.addTask {
                        harness.platform.append([
                            shop.signup("ada", id: "ada-\(number % 10)"),
                            shop.signup("person-\(number % 5)"),
                        ])
                    }
                }
            }
            try await harness.caughtUp()
            let runs = try await harness.ended(6)
            #expect(Set(runs.map { $0["subject"] }).count == 6)
            #expect(harness.platform.keys("grant").count == 6)
            #expect(harness.platform.calls("grant").count == 6)
        }
    }

    @Test func `what does not fit a trigger starts nothing`() async throws {
        let condition = Rule.field("event.properties.plan", is: "pro")
        try await WorkflowHarness.run(campaign: { $0.campaign(condition: condition) }) { harness in
            let shop = harness.shop
            let pro: JSONValue = ["plan": "pro"]
            harness.platform.append([
                shop.signup("a", trust: .browser, properties: pro),
                shop.signup("b", properties: ["plan": "free"]),
                shop.signup(nil, properties: pro),
                shop.signup("c", type: "order_paid", properties: pro),
                shop.signup("d", properties: pro),
            ])
            let runs = try await harness.ended()
            #expect(runs[0]["participant_id"]?.string == shop.participant("d").description)
            try await harness.caughtUp()
            #expect(try await harness.runs().count == 1)
        }
    }

    @Test func `an event is judged by the campaign as it stood at its place in the log`()
        async throws
    {
        try await WorkflowHarness.run { harness in
            let (platform, shop) = (harness.platform, harness.shop)
            platform.append([shop.signup("before")])
            try platform.tell(CampaignMessage.paused, shop.campaign(.paused))
            platform.append([shop.signup("while-paused")])
            try platform.tell(CampaignMessage.resumed, shop.campaign(.active))
            platform.append([shop.signup("after")])
            let subjects = Set(try await harness.ended(2).map { $0["subject"]?.string })
            #expect(
                subjects == [
                    shop.participant("before").description, shop.participant("after").description,
                ])
        }
    }

    @Test func `a client cannot tell how campaigns stand`() async throws {
        try await WorkflowHarness.run { harness in
            let (platform, shop) = (harness.platform, harness.shop)
            platform.append([
                shop.signup("mallory", type: CampaignMessage.closed),
                shop.signup("ada"),
            ])
            let outcome = try await harness.outcome()
            #expect(outcome == "rewarded")
        }
    }

    @Test func `a message that cannot be read is put aside and holds nobody up`() async throws {
        try await WorkflowHarness.run { harness in
            let shop = harness.shop
            _ = harness.platform.tell([
                LogMessage(
                    id: "broken", type: CampaignMessage.paused, clientID: shop.clientID,
                    occurredAt: SystemClock().now(), data: ["status": "paused"])
            ])
            harness.platform.append([shop.signup("ada")])
            let outcome = try await harness.outcome()
            #expect(outcome == "rewarded")
        }
    }

    @Test func `numbers beyond any machine's reach go through as they were written`() async throws {
        let number = JSONValue.number(JSONNumber(text: "1e999"))
        try await WorkflowHarness.run { harness in
            let position = harness.platform.append([
                harness.shop.signup("eve", properties: ["n": number])
            ])[0]
            let outcome = try await harness.outcome()
            #expect(outcome == "rewarded")
            #expect(harness.platform.calls("check").map(\.position) == [position.description])
            let event = harness.platform.state.withLock { $0.judgedEvents.last }
            #expect(event?.at("properties.n") == number)
        }
    }

    @Test func `the period is judged by the client's own clock`() async throws {
        let later = SystemClock().now() + .seconds(86_400)
        try await WorkflowHarness.run(campaign: { $0.campaign(startsAt: later) }) { harness in
            let (platform, shop) = (harness.platform, harness.shop)
            platform.append([shop.signup("early")])
            _ = platform.tell([
                LogMessage(
                    id: "clock", type: ClientMessage.settingsChanged, clientID: shop.clientID,
                    occurredAt: SystemClock().now(),
                    data: [
                        "status": "active", "mode": "test",
                        "business_clock_offset_milliseconds": 172_800_000,
                    ])
            ])
            platform.append([shop.signup("in-time")])
            let run = try await harness.ended()[0]
            #expect(run["participant_id"]?.string == shop.participant("in-time").description)
            let message = try await eventually("the end is told") {
                platform.events(WorkflowMessage.completed).first
            }
            #expect(message.occurredAt > later)
        }
    }
}
