import HTTPKit
import Kernel
import TestKit
import Testing

/// From a client's request at the gateway to a booked reward, over every service.
@Suite(.serialized, .deployment, .timeLimit(.minutes(5)))
struct PathTests {
    @Test func `a sign-up becomes one fulfilled reward, and the books agree`() async throws {
        let deployment = try Deployment.required()
        let acknowledged = Acknowledged()
        let tenant = try await Staff.signIn(deployment).makeTenant("path", deployment)
        let journey = try await Journey.begin("path", tenant, acknowledged, budget: 1_200)
        #expect(try await journey.signUp("ada") == "accepted")
        try await journey.waitForFulfilled(1)

        let run = try await tenant.server.wait(
            for: "the run is completed", at: "/v1/portal/runs?campaign_id=\(journey.campaignID)"
        ) { $0["data"]?.array?.first?["status"]?.string == "completed" }
        #expect(run["data"]?.array?.count == 1)
        let budget = try await tenant.server.send(
            .get, "/v1/portal/budgets/\(journey.campaignID)"
        ).expecting(200)
        #expect(budget["spent.units"]?.string == "500")
        #expect(budget["reserved.units"]?.string == "0")
        #expect(budget["available.units"]?.string == "700")
        let balance = try await tenant.server.send(.get, "/v1/portal/ledger/trial-balance")
        #expect(balance["data"]?.array?.allSatisfy { $0["balanced"]?.bool == true } == true)
        try await Audit(deployment: deployment).expectClean(acknowledged)
    }

    @Test func `the same event again, and another event of the same sign-up, give nothing more`()
        async throws
    {
        let deployment = try Deployment.required()
        let acknowledged = Acknowledged()
        let tenant = try await Staff.signIn(deployment).makeTenant("again", deployment)
        let journey = try await Journey.begin("again", tenant, acknowledged)
        let first: JSONValue = ["events": [.signUp("ada", eventID: "first")]]
        let again: JSONValue = ["events": [.signUp("ada", eventID: "second")]]
        for (body, wanted) in [(first, "accepted"), (first, "duplicate"), (again, "accepted")] {
            let answer = try await tenant.server.send(.post, "/v1/sdk/events", body).expecting(202)
            #expect(answer["results"]?.array?.first?["status"]?.string == wanted)
        }
        acknowledged.add(.init(clientID: tenant.clientID, eventID: "first"))
        acknowledged.add(.init(clientID: tenant.clientID, eventID: "second"))
        acknowledged.add(
            .init(
                clientID: tenant.clientID, campaignID: journey.campaignID, participant: "ada"))
        try await journey.waitForFulfilled(1)
        try await Audit(deployment: deployment).expectClean(acknowledged)
        let rewards = try await tenant.server.send(
            .get, "/v1/portal/rewards?campaign_id=\(journey.campaignID)")
        #expect(rewards["data"]?.array?.count == 1)
    }

    @Test func `a budget pays as many as it can, whoever comes first`() async throws {
        let deployment = try Deployment.required()
        let tenant = try await Staff.signIn(deployment).makeTenant("budget", deployment)
        let journey = try await Journey.begin("budget", tenant, Acknowledged(), budget: 1_700)
        try await journey.signUps(12, named: "one")
        // Nobody is promised a reward here: three can be paid, and three are.
        try await Audit(deployment: deployment).expectClean(Acknowledged())
        let rewards = try await tenant.server.send(
            .get, "/v1/portal/rewards?campaign_id=\(journey.campaignID)&status=fulfilled")
        #expect(rewards["data"]?.array?.count == 3)
        let budget = try await tenant.server.send(
            .get, "/v1/portal/budgets/\(journey.campaignID)")
        #expect(budget["spent.units"]?.string == "1500")
        #expect(budget["available.units"]?.string == "200")
    }
}
