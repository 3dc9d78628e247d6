import HTTPKit
import Kernel
import TestKit
import Testing

extension PathTests {
    /// No client can read or change another's rows, by any id, cursor, key or token.
    @Suite struct Tenancy {
        @Test func `another client's ids are as unknown as ids that nobody has`() async throws {
            let deployment = try Deployment.required()
            let staff = try await Staff.signIn(deployment)
            let owner = try await staff.makeTenant("owner", deployment)
            let stranger = try await staff.makeTenant("stranger", deployment)
            let nouns = try await Nouns.make(of: owner)
            let before = try await nouns.seen(by: owner)
            for call in nouns.calls(nouns.ids) {
                let foreign = try await stranger.server.send(
                    call.method, call.path, call.body, key: "foreign-\(call.path)")
                #expect(foreign.status == 404, "\(foreign)")
            }
            // The same words for what does not exist at all.
            for (foreign, nobodys) in zip(nouns.calls(nouns.ids), nouns.calls(Nouns.nobodys)) {
                let one = try await stranger.server.send(
                    foreign.method, foreign.path, foreign.body, key: "one-\(foreign.path)")
                let other = try await stranger.server.send(
                    nobodys.method, nobodys.path, nobodys.body, key: "other-\(nobodys.path)")
                #expect(other.status == 404, "\(other)")
                #expect(one.code == other.code && one["detail"] == other["detail"], "\(one)")
            }
            for path in nouns.lists {
                let list = try await stranger.server.send(.get, path)
                let rows = list["data"]?.array ?? []
                #expect(list.status == 404 || (list.status == 200 && rows.isEmpty), "\(list)")
            }
            #expect(try await nouns.seen(by: owner) == before, "nothing of the owner's changed")
        }

        @Test func `a key opens only the doors of its audience`() async throws {
            let deployment = try Deployment.required()
            let tenant = try await Staff.signIn(deployment).makeTenant("doors", deployment)
            for path in ["/v1/portal/campaigns", "/v1/portal/client", "/v1/portal/rewards"] {
                let browser = try await tenant.browser.send(.get, path)
                #expect([401, 403].contains(browser.status) && browser.isProblemDocument)
                let nobody = try await deployment.caller(nil).send(.get, path)
                #expect(nobody.status == 401 && nobody.isProblemDocument, "\(nobody)")
            }
            let staff = try await tenant.server.send(.get, "/v1/admin/clients")
            #expect(staff.status == 401 && staff.isProblemDocument, "\(staff)")
            let portal = try await Staff.signIn(deployment).caller.send(.get, "/v1/portal/client")
            #expect(portal.status == 401 && portal.isProblemDocument, "\(portal)")
        }
    }
}

/// One of each thing that a client can have, by id, and every portal route that takes such an id.
struct Nouns: Sendable {
    struct IDs: Sendable {
        var key, campaign, participant, run, reward, decision: String
    }

    struct Call: Sendable {
        let method: HTTPMethod
        let path: String
        var body: JSONValue?
    }

    let ids: IDs

    /// Ids of the right form that nobody has.
    static var nobodys: IDs {
        func id(_ prefix: String) -> String { "\(prefix)_01h455vb4pex5vsknk084sn02q" }
        return IDs(
            key: id("key"), campaign: id("cmp"), participant: id("ptc"), run: id("run"),
            reward: id("rwd"), decision: id("dec"))
    }

    static func make(of tenant: Tenant) async throws -> Nouns {
        let journey = try await Journey.begin("nouns", tenant, Acknowledged())
        try await journey.signUp("ada")
        try await journey.waitForFulfilled(1)
        func first(_ path: String, _ name: String) async throws -> String {
            let answer = try await tenant.server.wait(for: name, at: path) {
                $0["data"]?.array?.isEmpty == false
            }
            guard let id = answer["data"]?.array?.first?[name]?.string else {
                throw UnexpectedAnswer(answer: answer, wanted: name)
            }
            return id
        }
        let rewards = "/v1/portal/rewards?campaign_id=\(journey.campaignID)"
        return Nouns(
            ids: IDs(
                key: try await first("/v1/portal/keys", "key_id"),
                campaign: "\(journey.campaignID)",
                participant: try await first("/v1/portal/participants", "participant_id"),
                run: try await first("/v1/portal/runs", "run_id"),
                reward: try await first(rewards, "reward_id"),
                decision: try await first(rewards, "decision_id")))
    }

    func calls(_ ids: IDs) -> [Call] {
        let campaign = "/v1/portal/campaigns/\(ids.campaign)"
        let reward = "/v1/portal/rewards/\(ids.reward)"
        let reads = [
            campaign, "\(campaign)/revisions", reward, "/v1/portal/runs/\(ids.run)",
            "/v1/portal/participants/\(ids.participant)", "/v1/portal/budgets/\(ids.campaign)",
            "/v1/portal/eligibility/decisions/\(ids.decision)",
        ].map { Call(method: .get, path: $0) }
        let posts = [
            "\(campaign)/activate", "\(campaign)/pause", "\(campaign)/resume", "\(campaign)/close",
            "/v1/portal/keys/\(ids.key)/revoke", "/v1/portal/runs/\(ids.run)/retry",
        ].map { Call(method: .post, path: $0) }
        let moves = ["approve", "reject", "fulfil", "reverse"].map {
            Call(method: .post, path: "\(reward)/\($0)", body: ["reason": "mine"])
        }
        let others = [
            Call(method: .put, path: campaign, body: CampaignBody.signUp("mine")),
            Call(
                method: .post, path: "/v1/portal/eligibility/check",
                body: [
                    "campaign_id": .string(ids.campaign),
                    "participant_id": .string(ids.participant),
                ]),
        ]
        return reads + posts + moves + others
    }

    /// Lists that take an id as a filter.
    var lists: [String] {
        [
            "/v1/portal/rewards?campaign_id=\(ids.campaign)",
            "/v1/portal/rewards?participant_id=\(ids.participant)",
            "/v1/portal/runs?campaign_id=\(ids.campaign)",
            "/v1/portal/runs?subject=\(ids.participant)",
            "/v1/portal/ledger/accounts?campaign_id=\(ids.campaign)",
            "/v1/portal/ledger/accounts?participant_id=\(ids.participant)",
            "/v1/portal/participants?external_id=ada",
            "/v1/portal/participants?cursor=\(ids.participant)",
            "/v1/portal/campaigns?cursor=\(ids.campaign)",
        ]
    }

    /// What the owner sees of everything, to notice a change.
    func seen(by tenant: Tenant) async throws -> [JSONValue?] {
        var seen: [JSONValue?] = []
        for call in calls(ids) where call.method == .get {
            seen.append(try await tenant.server.send(.get, call.path).expecting(200).document)
        }
        seen.append(try await tenant.server.send(.get, "/v1/portal/keys").document)
        return seen
    }
}
