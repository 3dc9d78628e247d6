import Contracts
import HTTPKit
import Kernel
import TestKit
import Testing

/// Ordinary traffic that passes every part of the path: a new client with keys, campaigns through
/// their life, people who sign up, bring friends and are rewarded, a server that is told of it.
struct Round: Sendable {
    let deployment: Deployment
    let acknowledged: Acknowledged

    /// Plays it to its end, while services may die under it. Names must be new in the deployment.
    @discardableResult
    func play(_ name: String, signUps count: Int = 8) async throws -> Journey {
        let staff = try await Staff.signIn(deployment)
        let tenant = try await staff.makeTenant(name, deployment)
        let receiver = try await WebhookReceiver.start(
            for: tenant, types: ["reward.fulfilled"], key: name)
        let referrals = try await ReferralJourney.begin(name, tenant, acknowledged)
        let journey = referrals.signUps
        try await journey.signUps(count, named: "first")
        try await referrals.play("first-pair")
        // What may change while it runs.
        let path = "/v1/portal/campaigns/\(journey.campaignID)"
        try await tenant.server.persist(
            .put, path, CampaignBody.signUp("\(name), revised"), key: "revise"
        ).expecting(200)
        try await tenant.server.persist(.post, "\(path)/pause", key: "pause").expecting(200)
        try await tenant.server.persist(.post, "\(path)/resume", key: "resume").expecting(200)
        try await journey.signUps(count, named: "second")
        try await referrals.play("second-pair")
        try await journey.waitForFulfilled(count * 2 + 4)
        try await referrals.waitForRewards(of: 2)
        try await eventually("the client's server is told of each reward", within: .seconds(60)) {
            receiver.bodies.count == count * 2 + 8
        }
        // What was told by a process that died before it noted so is told again.
        try await eventually("every webhook is noted as delivered", within: .seconds(60)) {
            try await Drain(deployment: deployment).undeliveredWebhooks() == 0
        }
        await receiver.stop()
        return journey
    }
}
