import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import Synchronization
import TestKit
import Testing

import func Glibc.usleep

@testable import RewardService

/// Several rewards of one run in one call.
@Suite(.serialized, .timeLimit(.minutes(4))) struct GrantTests {
    private func bothSides(
        _ harness: RewardHarness, id: CampaignID = CampaignID(UUID()), revision: Int = 1,
        budget: Int128 = 100_000, limits: CampaignLimits = CampaignLimits(),
        approval: ApprovalPolicy = .automatic, last: ApprovalPolicy? = nil,
        fulfilment: FulfilmentPolicy = .automatic
    ) throws -> CampaignDefinition {
        let campaign = try harness.campaign(
            id: id, revision: revision, budget: budget, limits: limits,
            rules: [
                try harness.rule("welcome", amount: 1000, approval: approval),
                try harness.rule(
                    "thanks", .referrer, amount: 2500, approval: last ?? approval,
                    fulfilment: fulfilment),
            ])
        _ = try harness.publish(campaign)
        return campaign
    }

    private func available(
        _ person: ParticipantID, _ harness: RewardHarness
    ) async throws -> String? {
        let accounts = try await harness.get("/ledger/accounts?participant_id=\(person)")
        return accounts.body["data"]?.array?.first { $0["kind"] == "participant_available" }?
            .at("balance.units")?.string
    }

    @Test func `the rewards of a run are given and handed over in one call`() async throws {
        try await RewardHarness.run { harness in
            let campaign = try bothSides(harness)
            try await harness.settle()
            let pair = try await GrantPair.make(campaign, harness)
            let run = RunID(UUID())
            let results = try await harness.grant(
                campaign, pair.grants, subject: pair.subject, run: run)
            #expect(results.map(\.outcome) == [.allocated, .allocated])
            #expect(results.map { $0.reward?.ruleID } == ["welcome", "thanks"])
            #expect(results.allSatisfy { $0.reward?.status == .fulfilled })
            #expect(try await available(pair.bea, harness) == "1000")
            #expect(try await available(pair.ada, harness) == "2500")
            let id = try #require(results[0].reward).rewardID
            let reward = try await harness.get("/rewards/\(id)")
            let steps = try #require(reward.body["history"]?.array)
            #expect(
                steps.map { $0["to"]?.string ?? "" } == [
                    "earned", "pending", "eligible", "approved", "fulfilled",
                ])
            #expect(
                steps.map { $0["from"]?.string } == [
                    nil, "earned", "pending", "eligible", "approved",
                ])
            #expect(
                steps.map { $0["reason"]?.string ?? "" } == [
                    "allocated", "reserved", "eligible", "automatic", "automatic",
                ])
            #expect(steps[3]["actor"] == .string(run.description))
            #expect(steps[4]["actor"] == "workflow-service")
            #expect(try await harness.audit.findings(of: harness.client) == [])
            try await eventually("the messages are in the log") {
                harness.peers.log.messages.map(\.type).sorted()
                    == ["reward.allocated", "reward.approved", "reward.fulfilled"].flatMap {
                        [$0, $0]
                    }
            }
        }
    }

    @Test func `sixty-four equal calls and a late duplicate give each reward once`() async throws {
        try await RewardHarness.run { harness in
            let campaign = try bothSides(harness)
            try await harness.settle()
            let pair = try await GrantPair.make(campaign, harness)
            let all = try await atOnce(64) { _ in
                try await harness.grant(campaign, pair.grants, subject: pair.subject, key: "one")
            }
            for place in 0..<2 {
                let results = all.map { $0[place] }
                #expect(results.count { $0.outcome == .allocated } == 1)
                #expect(results.count { $0.outcome == .existing } == 63)
                #expect(Set(results.map { $0.reward?.rewardID }).count == 1)
                #expect(results.allSatisfy { $0.reward?.status == .fulfilled })
            }
            let late = try await harness.grant(campaign, pair.grants, subject: pair.subject)
            #expect(late.map(\.outcome) == [.existing, .existing])
            #expect(late.map(\.reward) == all[0].map(\.reward))
            let budget = try await harness.get("/budgets/\(campaign.campaignID)")
            #expect(budget.body["spent"] == ["units": "3500", "asset": "USD"])
            #expect(try await harness.audit.findings(of: harness.client) == [])
            try await eventually("each message is in the log once") {
                harness.peers.log.messages.count == 6
            }
        }
    }

    @Test func `the first in the list has the first claim on what is left`() async throws {
        try await RewardHarness.run { harness in
            let rules = [
                try harness.rule("first", amount: 600), try harness.rule("second", amount: 900),
                try harness.rule("third", amount: 400),
            ]
            let campaign = try harness.campaign(budget: 1000, rules: rules)
            _ = try harness.publish(campaign)
            try await harness.settle()
            let person = ParticipantID(UUID())
            let decision = try await harness.check(campaign, person, subject: "order-1").decisionID
            let grants = rules.map {
                GrantedRule(
                    ruleID: $0.ruleID, participantID: person, role: .participant,
                    decisionID: decision ?? "")
            }
            for round in 0..<2 {
                let results = try await harness.grant(campaign, grants, subject: "order-1")
                #expect(
                    results.map(\.outcome)
                        == (round == 0
                            ? [.allocated, .refused, .allocated]
                            : [.existing, .refused, .existing]))
                #expect(results.map(\.reason) == [nil, "budget_exceeded", nil])
            }
            let again = try await harness.allocate(
                campaign, person, decision: decision, subject: "order-1", rule: "second")
            #expect(again.reason == "budget_exceeded")
            #expect(try await available(person, harness) == "1000")
            #expect(try await harness.audit.findings(of: harness.client) == [])
        }
    }

    @Test func `what needs a person waits for one, also among what does not`() async throws {
        try await RewardHarness.run { harness in
            let campaign = try bothSides(harness, last: .manual)
            try await harness.settle()
            let pair = try await GrantPair.make(campaign, harness)
            let results = try await harness.grant(campaign, pair.grants, subject: pair.subject)
            #expect(results.map { $0.reward?.status } == [.fulfilled, .eligible])
            let waiting = try #require(results[1].reward).rewardID
            let approved = try await harness.post(
                "/rewards/\(waiting)/approve", #"{"reason":"fine"}"#, key: "approve")
            #expect(approved.status == 200)
            // The run asks again, and what a person approved meanwhile is handed over.
            let again = try await atOnce(8) { _ in
                try await harness.grant(campaign, pair.grants, subject: pair.subject)
            }
            #expect(again.allSatisfy { $0.allSatisfy { $0.outcome == .existing } })
            #expect(again.allSatisfy { $0[1].reward?.status == .fulfilled })
            #expect(try await available(pair.ada, harness) == "2500")
            #expect(try await harness.audit.findings(of: harness.client) == [])
            try await eventually("it is told once") {
                harness.peers.log.messages.count {
                    $0.type == "reward.fulfilled" && $0.subject == waiting.description
                } == 1
            }
        }
    }

    @Test func `what is to be handed over on request is left approved`() async throws {
        try await RewardHarness.run { harness in
            let campaign = try bothSides(harness, fulfilment: .manual)
            try await harness.settle()
            let pair = try await GrantPair.make(campaign, harness)
            for outcome in [AllocateRewardResponse.Outcome.allocated, .existing] {
                let results = try await harness.grant(campaign, pair.grants, subject: pair.subject)
                #expect(results.map(\.outcome) == [outcome, outcome])
                #expect(results.map { $0.reward?.status } == [.fulfilled, .approved])
            }
            #expect(try await harness.audit.findings(of: harness.client) == [])
        }
    }

    @Test func `connections that break before the commit lose nothing and give nothing twice`()
        async throws
    {
        try await RewardHarness.run { harness in
            let campaign = try bothSides(harness)
            try await harness.settle()
            var pairs: [GrantPair] = []
            for _ in 0..<6 { pairs.append(try await GrantPair.make(campaign, harness)) }
            let asked = pairs
            let postgres = harness.postgres
            harness.faults.at(RewardCrashPoint.grantBeforeCommit) {
                let isDone = Mutex(false)
                Task.detached {
                    _ = try? await postgres.execute(
                        """
                        select pg_terminate_backend(pid) from pg_stat_activity
                        where datname = current_database() and pid <> pg_backend_pid()
                        """)
                    isDone.withLock { $0 = true }
                }
                for _ in 0..<5000 where !isDone.withLock(\.self) { usleep(1000) }
            }
            _ = try await atOnce(24) { number in
                let pair = asked[number % 6]
                return try? await harness.grant(campaign, pair.grants, subject: pair.subject)
            }
            for pair in pairs {
                let results = try await harness.grant(campaign, pair.grants, subject: pair.subject)
                #expect(results.allSatisfy { $0.reward?.status == .fulfilled })
                #expect(try await available(pair.bea, harness) == "1000")
                #expect(try await available(pair.ada, harness) == "2500")
            }
            #expect(try await harness.audit.findings(of: harness.client) == [])
            try await eventually("each message is in the log once") {
                harness.peers.log.messages.count == 36
            }
        }
    }

    @Test func `a rejected reward stays rejected`() async throws {
        try await RewardHarness.run { harness in
            let campaign = try bothSides(harness, last: .manual)
            try await harness.settle()
            let pair = try await GrantPair.make(campaign, harness)
            let first = try await harness.grant(campaign, pair.grants, subject: pair.subject)
            let waiting = try #require(first[1].reward).rewardID
            let results = try await atOnce(9) { number in
                if number == 4 {
                    let answer = try await harness.post(
                        "/rewards/\(waiting)/reject", #"{"reason":"fraud"}"#, key: "reject")
                    #expect(answer.status == 200)
                }
                return try await harness.grant(campaign, pair.grants, subject: pair.subject)
            }
            #expect(results.allSatisfy { $0[0].reward?.status == .fulfilled })
            #expect(results.allSatisfy { $0[1].outcome != .allocated })
            let last = try await harness.grant(campaign, pair.grants, subject: pair.subject)
            #expect(last[1].reason == "rejected")
            #expect(try await harness.audit.findings(of: harness.client) == [])
        }
    }

    @Test func `a call that rests on no decision gives nothing at all`() async throws {
        try await RewardHarness.run { harness in
            let campaign = try bothSides(harness)
            try await harness.settle()
            let pair = try await GrantPair.make(campaign, harness)
            let other = try await GrantPair.make(campaign, harness)
            let wrong = [pair.grants[0], other.grants[1]]
            let codes = try await atOnce(12) { number -> String? in
                do {
                    let grants = number % 2 == 0 ? wrong : other.grants
                    let subject = number % 2 == 0 ? pair.subject : other.subject
                    _ = try await harness.grant(campaign, grants, subject: subject)
                    return nil
                } catch let error as PeerError {
                    return error.code
                }
            }
            // The calls that it shares transactions with take effect.
            #expect(codes.count { $0 == nil } == 6)
            #expect(codes.count { $0 == "decision_mismatch" } == 6)
            #expect(try await available(pair.bea, harness) == nil)
            #expect(try await available(other.ada, harness) == "2500")
            await expectRefusal("validation_failed") {
                try await harness.grant(campaign, [], subject: pair.subject)
            }
            await expectRefusal("validation_failed") {
                try await harness.grant(
                    campaign, Array(repeating: pair.grants[0], count: 21), subject: pair.subject)
            }
            let twice = try await harness.grant(
                campaign, [pair.grants[0], pair.grants[0]], subject: pair.subject)
            #expect(twice.map(\.outcome) == [.allocated, .existing])
            #expect(try await harness.audit.findings(of: harness.client) == [])
        }
    }
}
