import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import TestKit
import Testing

@testable import RewardService

@Suite(.timeLimit(.minutes(4))) struct PortalTests {
    private let reason = #"{"reason":"asked by support"}"#

    private func open(
        _ harness: RewardHarness, approval: ApprovalPolicy
    ) async throws -> CampaignDefinition {
        let campaign = try harness.campaign(budget: 5000, approval: approval)
        _ = try harness.publish(campaign)
        try await harness.settle()
        return campaign
    }

    /// Budget's reserved and spent, then the participant's pending and available.
    private func money(
        _ campaign: CampaignDefinition, _ reward: RewardSummary, _ harness: RewardHarness
    ) async throws -> [String] {
        let budget = try await harness.get("/budgets/\(campaign.campaignID)").body
        let accounts = try await harness.get(
            "/ledger/accounts?participant_id=\(reward.participantID)"
        ).body["data"]?.array
        let balance = { (kind: String) in
            accounts?.first { $0["kind"]?.string == kind }?.at("balance.units")?.string ?? "0"
        }
        return [
            budget.at("reserved.units")?.string ?? "", budget.at("spent.units")?.string ?? "",
            balance("participant_pending"), balance("participant_available"),
        ]
    }

    @Test func `a reward goes its way by hand and the ledger goes with it`() async throws {
        try await RewardHarness.run { harness in
            let campaign = try await open(harness, approval: .manual)
            let reward = try await harness.reward(campaign)
            #expect(reward.status == .eligible)
            #expect(try await money(campaign, reward, harness) == ["1000", "0", "0", "0"])
            let steps = [
                ("approve", "approved", ["0", "1000", "1000", "0"]),
                ("fulfil", "fulfilled", ["0", "1000", "0", "1000"]),
                ("reverse", "reversed", ["0", "0", "0", "0"]),
            ]
            for (action, status, expected) in steps {
                let answer = try await harness.post(
                    "/rewards/\(reward.rewardID)/\(action)", reason, key: action)
                #expect(answer.status == 200)
                #expect(answer.body["status"]?.string == status)
                #expect(try await money(campaign, reward, harness) == expected)
                #expect(try await harness.audit.findings(of: harness.client) == [])
            }
            let read = try await harness.get("/rewards/\(reward.rewardID)")
            let history = read.body["history"]?.array ?? []
            #expect(
                history.map { $0["to"] } == [
                    "earned", "pending", "eligible", "approved", "fulfilled", "reversed",
                ])
            #expect(history.last?["reason"] == "asked by support")
            #expect(history.last?["actor"]?.string?.hasPrefix("key_") == true)
            let again = try await harness.post(
                "/rewards/\(reward.rewardID)/approve", reason, key: "again")
            #expect(again.status == 409)
            #expect(again.body["code"] == "illegal_transition")
            try await eventually("each step was told") {
                harness.peers.log.messages.map(\.type) == [
                    "reward.allocated", "reward.approved", "reward.fulfilled", "reward.reversed",
                ]
            }
        }
    }

    @Test func `a rejected reward gives everything back and its grant may be tried again`()
        async throws
    {
        try await RewardHarness.run { harness in
            let campaign = try await open(harness, approval: .manual)
            let participant = ParticipantID(UUID())
            let reward = try await harness.reward(campaign, participant)
            let answer = try await harness.post(
                "/rewards/\(reward.rewardID)/reject", reason, key: "no")
            #expect(answer.body["status"] == "rejected")
            #expect(try await money(campaign, reward, harness) == ["0", "0", "0", "0"])
            let second = try await harness.reward(campaign, participant)
            #expect(second.rewardID != reward.rewardID)
            #expect(try await harness.audit.findings(of: harness.client) == [])
        }
    }

    @Test func `fulfilling again changes nothing, and only what is approved is fulfilled`()
        async throws
    {
        try await RewardHarness.run { harness in
            let campaign = try await open(harness, approval: .automatic)
            let reward = try await harness.reward(campaign)
            let answers = try await atOnce(40) { _ in try await harness.fulfil(reward.rewardID) }
            #expect(answers.allSatisfy { $0.status == .fulfilled })
            #expect(try await money(campaign, reward, harness) == ["0", "1000", "0", "1000"])
            let manual = try await open(harness, approval: .manual)
            let waiting = try await harness.reward(manual)
            await expectRefusal("illegal_transition") {
                try await harness.fulfil(waiting.rewardID)
            }
            #expect(try await harness.audit.findings(of: harness.client) == [])
        }
    }

    @Test func `two hundred approvals with one key are one approval`() async throws {
        try await RewardHarness.run { harness in
            let campaign = try await open(harness, approval: .manual)
            let reward = try await harness.reward(campaign)
            let path = "/rewards/\(reward.rewardID)/approve"
            let body = reason
            let answers = try await atOnce(200) { _ in
                try await harness.post(path, body, key: "one")
            }
            expectOneEffect(answers)
            let reused = try await harness.post(path, #"{"reason":"another"}"#, key: "one")
            #expect(reused.body["code"] == "idempotency_key_reused")
            #expect(try await money(campaign, reward, harness) == ["0", "1000", "1000", "0"])
            #expect(try await harness.audit.findings(of: harness.client) == [])
        }
    }

    /// One answer is the first; the others repeat it or ask to come again.
    private func expectOneEffect(_ answers: [RewardHarness.Answer]) {
        let done = answers.filter { $0.status == 200 }
        let first = done.filter { $0.headers["Idempotency-Replayed"] == nil }
        #expect(first.count == 1)
        let bodies = Set(done.map { $0.bytes })
        #expect(bodies.count == 1)
        for answer in answers where answer.status != 200 {
            #expect(answer.status == 409)
            #expect(answer.body["code"] == "idempotency_in_progress")
            #expect(answer.headers["Retry-After"] != nil)
        }
    }

    @Test func `nothing of another client can be told from nothing at all`() async throws {
        try await RewardHarness.run { harness in
            let campaign = try await open(harness, approval: .manual)
            let reward = try await harness.reward(campaign)
            let decision = try await harness.check(campaign, reward.participantID).decisionID ?? ""
            let account = try #require(
                try await harness.get("/ledger/accounts?limit=1").body.at("data")?.array?.first?[
                    "account_id"]?.string)
            let pairs = [
                ("/rewards/\(reward.rewardID)", "/rewards/\(RewardID(UUID()))"),
                ("/budgets/\(campaign.campaignID)", "/budgets/\(CampaignID(UUID()))"),
                (
                    "/eligibility/decisions/\(decision)",
                    "/eligibility/decisions/\(DecisionID(UUID()))"
                ),
                (
                    "/ledger/transfers?account_id=\(account)",
                    "/ledger/transfers?account_id=\(AccountID(UUID()))"
                ),
            ]
            for (theirs, nobodys) in pairs {
                #expect(try await harness.get(theirs).status == 200)
                let one = try await harness.get(theirs, as: harness.peers.other)
                let none = try await harness.get(nobodys, as: harness.peers.other)
                #expect(one.status == 404)
                #expect(document(one) == document(none))
            }
            for action in ["approve", "reject", "fulfil", "reverse"] {
                let one = try await harness.post(
                    "/rewards/\(reward.rewardID)/\(action)", reason, key: "a\(action)",
                    as: harness.peers.other)
                let none = try await harness.post(
                    "/rewards/\(RewardID(UUID()))/\(action)", reason, key: "b\(action)",
                    as: harness.peers.other)
                #expect(one.status == 404)
                #expect(document(one) == document(none))
            }
            for list in [
                "/rewards", "/ledger/accounts", "/ledger/trial-balance",
                "/rewards?cursor=\(RewardID(UUID()))",
            ] {
                let empty = try await harness.get(list, as: harness.peers.other)
                #expect(empty.body["data"] == [])
            }
            #expect(
                try await harness.get("/rewards/\(reward.rewardID)").body["status"] == "eligible")
        }
    }

    /// The answer without what belongs to one delivery.
    private func document(_ answer: RewardHarness.Answer) -> [String: JSONValue] {
        (answer.body.object ?? [:]).filter { $0.key != "request_id" && $0.key != "instance" }
    }

    @Test func `lists come in pages and are balanced`() async throws {
        try await RewardHarness.run { harness in
            let campaign = try await open(harness, approval: .automatic)
            for _ in 0..<5 { _ = try await harness.reward(campaign) }
            var seen: [String] = []
            var cursor = ""
            repeat {
                let page = try await harness.get("/rewards?limit=2&status=approved\(cursor)").body
                seen += page["data"]?.array?.compactMap { $0["reward_id"]?.string } ?? []
                cursor = page["next_cursor"]?.string.map { "&cursor=\($0)" } ?? ""
            } while !cursor.isEmpty
            #expect(seen.count == 5)
            #expect(seen == seen.sorted(by: >))
            let balance = try await harness.get("/ledger/trial-balance").body["data"]?.array
            #expect(
                balance == [
                    ["asset": "USD", "debits": "15000", "credits": "15000", "balanced": true]
                ])
            let budget = try await harness.get(
                "/ledger/accounts?campaign_id=\(campaign.campaignID)"
            ).body["data"]?.array?.first { $0["kind"] == "campaign_budget" }
            let account = budget?["account_id"]?.string ?? ""
            let transfers = try await harness.get("/ledger/transfers?limit=4&account_id=\(account)")
            #expect(transfers.body["data"]?.array?.count == 4)
            #expect(transfers.body["next_cursor"]?.string != nil)
        }
    }

    @Test(arguments: [
        ("/rewards?status=happy", "validation_failed"), ("/rewards?limit=0", "invalid_limit"),
        ("/rewards?cursor=x", "invalid_cursor"), ("/rewards?campaign_id=x", "validation_failed"),
        ("/ledger/transfers", "validation_failed"),
        ("/ledger/accounts?participant_id=1", "validation_failed"),
        ("/rewards/x", "not_found"), ("/budgets/x", "not_found"),
    ])
    func `what cannot be read is refused with its place`(_ path: String, _ code: String)
        async throws
    {
        try await RewardHarness.run { harness in
            let answer = try await harness.get(path)
            #expect(answer.body["code"]?.string == code)
        }
    }

    @Test func `a decision by hand needs a reason and a key`() async throws {
        try await RewardHarness.run { harness in
            let path = "/rewards/\(RewardID(UUID()))/approve"
            let cases: [(body: String, key: String?, code: String)] = [
                (reason, nil, "idempotency_key_required"), ("{}", "a", "validation_failed"),
                (#"{"reason":""}"#, "b", "validation_failed"),
                (#"{"reason":"x","more":1}"#, "c", "validation_failed"),
                ("{", "d", "malformed_json"), (reason, "e", "not_found"),
            ]
            for (body, key, code) in cases {
                let answer = try await harness.post(path, body, key: key)
                #expect(answer.body["code"]?.string == code)
            }
        }
    }
}
