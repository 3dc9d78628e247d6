import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import TestKit
import Testing

@testable import WorkflowService

@Suite(.serialized, .timeLimit(.minutes(3))) struct RunRoutesTests {
    @Test func `nobody sees or moves another client's runs`() async throws {
        try await WorkflowHarness.run { harness in
            let stranger = Shop()
            harness.platform.change { $0.shops.append(stranger) }
            harness.platform.append([harness.shop.signup("ada")])
            let run = try await harness.ended()[0]
            let id = try #require(run["run_id"]?.string)
            let unknown = RunID(UUID()).description
            for (method, suffix) in [(HTTPMethod.get, ""), (.post, "/retry")] {
                let theirs = try await harness.call(
                    method, "/v1/portal/runs/\(id)\(suffix)", as: stranger)
                let nobodys = try await harness.call(
                    method, "/v1/portal/runs/\(unknown)\(suffix)", as: stranger)
                #expect(theirs.status == 404)
                #expect(theirs.body["code"] == nobodys.body["code"])
                #expect(theirs.body["detail"] == nobodys.body["detail"])
            }
            let lists = [
                "", "?campaign_id=\(harness.shop.campaignID)", "?cursor=\(id)",
                "?subject=\(run["subject"]?.string ?? "")",
            ]
            for query in lists {
                let list = try await harness.call(.get, "/v1/portal/runs\(query)", as: stranger)
                #expect(list.body["data"] == [])
            }
        }
    }

    @Test func `what an event started is told to other services by its place in the log`()
        async throws
    {
        try await WorkflowHarness.run { harness in
            harness.platform.append([harness.shop.signup("ada"), harness.shop.signup("ben")])
            let runs = try await harness.ended(2)
            let events = harness.platform.events("user_signed_up")
            #expect(events.count == 2)
            let ask = RunsOfEvent(runs: try #require(harness.firstReplica).runs)
            for event in events {
                let told = try await ask.respond(
                    EventRunsRequest(clientID: event.clientID, position: event.position)
                ).runs
                let own = runs.filter { $0["event_id"]?.string == event.eventID }
                #expect(own.count == 1)
                #expect(told.map(\.runID.description) == own.map { $0["run_id"]?.string })
                #expect(told.map(\.status) == ["completed"])
                let strangers = try await ask.respond(
                    EventRunsRequest(clientID: ClientID(UUID()), position: event.position))
                #expect(strangers.runs.isEmpty)
            }
        }
    }

    @Test func `runs are listed newest first, page by page, and narrowed down`() async throws {
        try await WorkflowHarness.run { harness in
            let shop = harness.shop
            for name in ["a", "b", "c"] {
                harness.platform.append([shop.signup(name)])
                try await harness.caughtUp()
            }
            let all = try await harness.ended(3)
            #expect(
                all.map { $0["participant_id"]?.string }
                    == ["c", "b", "a"].map { shop.participant($0).description })
            let first = try await harness.call(.get, "/v1/portal/runs?limit=2")
            let cursor = try #require(first.body["next_cursor"]?.string)
            let rest = try await harness.runs("?limit=2&cursor=\(cursor)")
            #expect((first.body["data"]?.array ?? []) + rest == all)
            #expect(try await harness.runs("?subject=\(shop.participant("b"))") == [all[1]])
            #expect(try await harness.runs("?status=failed").isEmpty)
            #expect(try await harness.runs("?campaign_id=\(CampaignID(UUID()))").isEmpty)
            #expect(
                try await harness.runs("?status=completed&campaign_id=\(shop.campaignID)") == all)
        }
    }

    @Test func `a run that was refused for good fails with the reason and can be tried again`()
        async throws
    {
        try await WorkflowHarness.run { harness in
            let platform = harness.platform
            platform.change {
                $0.refusedPaths["grant"] = .unprocessable("rule_unknown", "No such rule.")
            }
            platform.append([harness.shop.signup("ada")])
            let failed = try await harness.ended()[0]
            #expect(failed["status"] == "failed")
            #expect(failed["outcome"] == "rule_unknown")
            let id = try #require(failed["run_id"]?.string)
            try await eventually("the failure is told") {
                try platform.outcomes(WorkflowMessage.failed).map(\.outcome) == ["rule_unknown"]
            }
            platform.change { $0.refusedPaths = [:] }
            let path = "/v1/portal/runs/\(id)/retry"
            let retried = try await harness.call(.post, path, idempotencyKey: "once")
            #expect(retried.status == 200)
            #expect(retried.body["status"] == "running")
            let run = try await harness.ended()[0]
            #expect(run["outcome"] == "rewarded")
            #expect(run["run_id"]?.string == id)
            #expect(platform.calls("check").count == 1)
            let again = try await harness.call(.post, path, idempotencyKey: "once")
            #expect(again.headers["Idempotency-Replayed"] == "true")
            let other = try await harness.call(.post, path, idempotencyKey: "other")
            #expect(other.status == 409)
            #expect(other.body["code"] == "run_not_failed")
        }
    }

    @Test(arguments: [
        ("?status=lost", "invalid_status"), ("?campaign_id=1", "invalid_campaign_id"),
        ("?cursor=x", "invalid_cursor"), ("?limit=0", "invalid_limit"),
    ])
    func `a list that cannot be narrowed like that says what to change`(
        query: String, code: String
    ) async throws {
        try await WorkflowHarness.run { harness in
            let answer = try await harness.call(.get, "/v1/portal/runs\(query)")
            #expect(answer.status == 400)
            #expect(answer.body["code"]?.string == code)
        }
    }
}
