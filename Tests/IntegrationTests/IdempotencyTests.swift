import HTTPKit
import Kernel
import TestKit
import Testing

extension PathTests {
    /// Many requests with one key at once: one effect, and everybody gets that answer or is told to
    /// come back.
    @Suite struct Idempotency {
        @Test func `200 creations of a campaign with one key make one campaign`() async throws {
            let deployment = try Deployment.required()
            let tenant = try await Staff.signIn(deployment).makeTenant("one-key", deployment)
            let body = CampaignBody.signUp("one")
            let path = "/v1/portal/campaigns"
            let answer = try await storm(tenant, path, body, key: "one", status: 201)
            let campaigns = try await tenant.server.send(.get, path).expecting(200)
            #expect(campaigns["data"]?.array?.count == 1)
            #expect(campaigns["data"]?.array?.first?["campaign_id"] == answer["campaign_id"])
            let other = try await tenant.server.send(
                .post, path, CampaignBody.signUp("another"), key: "one")
            #expect(other.status == 422 && other.code == "idempotency_key_reused", "\(other)")
        }

        @Test func `200 approvals of a reward with one key approve it once`() async throws {
            let deployment = try Deployment.required()
            let acknowledged = Acknowledged()
            let tenant = try await Staff.signIn(deployment).makeTenant("approvals", deployment)
            let reward = try await rewardToDecide(tenant)
            for (action, status) in [("approve", "approved"), ("fulfil", "fulfilled")] {
                let answer = try await storm(
                    tenant, "/v1/portal/rewards/\(reward)/\(action)", ["reason": "It is right."],
                    key: "decide-\(action)", status: 200)
                #expect(answer["status"]?.string == status)
            }
            let after = try await tenant.server.send(.get, "/v1/portal/rewards/\(reward)")
            let steps = after["history"]?.array?.compactMap { $0["to"]?.string }
            #expect(steps == ["earned", "pending", "eligible", "approved", "fulfilled"])
            try await Audit(deployment: deployment).expectClean(acknowledged)
        }

        /// 200 requests at once; each answer is the one body or 409 with `Retry-After`, and whoever
        /// comes again gets the body. Returns it.
        private func storm(
            _ tenant: Tenant, _ path: String, _ body: JSONValue, key: String, status: Int
        ) async throws -> Answer {
            let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
                for _ in 0..<200 {
                    group.addTask {
                        try await tenant.server.send(
                            .post, path, body, key: key, within: .seconds(30))
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let last = try await tenant.server.persist(.post, path, body, key: key)
                .expecting(status)
            #expect(last.headers["Idempotency-Replayed"] == "true")
            for answer in answers {
                if answer.status == 409 {
                    #expect(answer.code == "idempotency_in_progress", "\(answer)")
                    #expect(answer.headers.contains("Retry-After"), "\(answer)")
                } else {
                    #expect(answer.status == status && answer.body == last.body, "\(answer)")
                }
            }
            let fresh = answers.count {
                $0.status == status && !$0.headers.contains("Idempotency-Replayed")
            }
            #expect(fresh == 1, "one answer is the effect's own, the others repeat it")
            return last
        }

        /// A reward that waits for a person.
        private func rewardToDecide(_ tenant: Tenant) async throws -> String {
            let campaign = try await tenant.server.persist(
                .post, "/v1/portal/campaigns", CampaignBody.signUp("by hand", byHand: true),
                key: "by-hand"
            ).expecting(201).string("campaign_id")
            try await tenant.server.persist(.post, "/v1/portal/campaigns/\(campaign)/activate")
                .expecting(200)
            try await tenant.server.persist(
                .post, "/v1/sdk/events", ["events": [.signUp("ada", eventID: "by-hand")]]
            ).expecting(202)
            let answer = try await tenant.server.wait(
                for: "a reward waits for approval",
                at: "/v1/portal/rewards?campaign_id=\(campaign)"
            ) { $0["data"]?.array?.first?["status"]?.string == "eligible" }
            guard let id = answer["data"]?.array?.first?["reward_id"]?.string else {
                throw UnexpectedAnswer(answer: answer, wanted: "a reward's id")
            }
            return id
        }
    }
}
