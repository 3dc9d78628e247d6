import Contracts
import HTTPKit
import Kernel
import TestKit

/// Ordinary traffic that passes every part of the path: a new client with keys, a campaign through
/// its life, and people who sign up.
struct Round: Sendable {
    let deployment: Deployment
    let acknowledged: Acknowledged

    /// Plays it to its end, while services may die under it. Names must be new in the deployment.
    @discardableResult
    func play(_ name: String, signUps count: Int = 8) async throws -> Journey {
        let staff = try await Staff.signIn(deployment)
        let tenant = try await staff.makeTenant(name, deployment)
        let journey = try await Journey.begin(name, tenant, acknowledged)
        try await journey.signUps(count, named: "first")
        // What may change while it runs.
        let path = "/v1/portal/campaigns/\(journey.campaignID)"
        try await tenant.server.persist(
            .put, path, CampaignBody.signUp("\(name), revised"), key: "revise"
        ).expecting(200)
        try await tenant.server.persist(.post, "\(path)/pause", key: "pause").expecting(200)
        try await tenant.server.persist(.post, "\(path)/resume", key: "resume").expecting(200)
        try await journey.signUps(count, named: "second")
        try await journey.waitForFulfilled(count * 2)
        return journey
    }
}
