import HTTPKit
import Kernel
import TestKit
import Testing

extension PathTests {
    /// No client can read or change another's rows, by any id, cursor, key or token. The walk is
    /// over the routes that the services list themselves, so that none is forgotten.
    @Suite struct Tenancy {
        @Test func `another client's ids are as unknown as ids that nobody has`() async throws {
            let deployment = try Deployment.required()
            let walk = try await TenancyWalk.prepare(deployment)
            let before = try await walk.seenByOwner()
            try await walk.tryPaths()
            try await walk.tryBodies()
            try await walk.tryLists()
            try await walk.tryAdministration()
            let after = try await walk.seenByOwner()
            let changed = before.keys.filter { after[$0] != before[$0] }.sorted()
            #expect(after == before, "nothing of the owner's changed, but \(changed)")
        }

        @Test func `a live stream shows nobody else's events`() async throws {
            let deployment = try Deployment.required()
            let staff = try await Staff.signIn(deployment)
            let owner = try await staff.makeTenant("live-owner", deployment)
            let stranger = try await staff.makeTenant("live-stranger", deployment)
            let journey = try await Journey.begin("live", owner, Acknowledged())
            let seen = try LiveStream.open(by: owner, deployment)
            let unseen = try LiveStream.open(by: stranger, deployment)
            try await seen.waitUntilOpen()
            try await unseen.waitUntilOpen()
            try await journey.signUp("ada")
            try await eventually("the owner sees the reward", within: .seconds(60)) {
                seen.text.contains("reward.fulfilled")
            }
            #expect(!unseen.text.contains("\(journey.campaignID)"))
            #expect(!unseen.text.contains("reward.fulfilled"))
        }

        @Test func `a key opens only the doors of its audience`() async throws {
            let deployment = try Deployment.required()
            let tenant = try await Staff.signIn(deployment).makeTenant("doors", deployment)
            for route in try await RouteTable.read().all(["portal"]) {
                guard
                    let path = route.path(with: { Nouns.value($0, in: route, of: Nouns.nobodys) }),
                    let method = route.httpMethod
                else { continue }
                let browser = try await tenant.browser.send(method, path)
                #expect([401, 403].contains(browser.status), "\(browser)")
                #expect(browser.isProblemDocument, "\(browser)")
                let nobody = try await deployment.caller(nil).send(method, path)
                #expect(nobody.status == 401 && nobody.isProblemDocument, "\(nobody)")
            }
            let portal = try await Staff.signIn(deployment).caller.send(.get, "/v1/portal/client")
            #expect(portal.status == 401 && portal.isProblemDocument, "\(portal)")
        }
    }
}

/// What `GET /v1/portal/live` sends, read by curl into a file until this goes.
struct LiveStream: Sendable {
    private let process: ManagedProcess

    static func open(by tenant: Tenant, _ deployment: Deployment) throws -> LiveStream {
        LiveStream(
            process: try ManagedProcess(
                "/usr/bin/curl",
                [
                    "-sN", "--max-time", "120", "-H", "Authorization: Bearer \(tenant.secretKey)",
                    "-H", "Accept: text/event-stream", "\(deployment.gateway.url)/v1/portal/live",
                ]))
    }

    var text: String { process.log() }

    func waitUntilOpen() async throws {
        try await eventually("the stream is open", within: .seconds(20)) { !text.isEmpty }
    }
}
