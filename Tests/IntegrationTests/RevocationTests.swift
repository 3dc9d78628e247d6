import Contracts
import HTTPKit
import Kernel
import TestKit
import Testing

extension PathTests {
    /// What was taken back stops working everywhere within five seconds.
    @Suite struct Revocation {
        /// A read on each service that asks for a secret key.
        static let reads: [(service: ServiceName, path: String)] = [
            (.client, "/v1/portal/client"), (.campaign, "/v1/portal/campaigns"),
            (.reward, "/v1/portal/rewards"), (.workflow, "/v1/portal/runs"),
        ]

        @Test(arguments: [true, false])
        func `a revoked key is refused by every service`(whileRedisIsUp: Bool) async throws {
            let deployment = try Deployment.required()
            let name = whileRedisIsUp ? "revoked" : "revoked-without-redis"
            let tenant = try await Staff.signIn(deployment).makeTenant(name, deployment)
            let keys = try await tenant.server.send(.get, "/v1/portal/keys").expecting(200)
            let secret = keys["data"]?.array?.first { $0["kind"]?.string == "secret" }
            let id = try #require(secret?["key_id"]?.string)
            // Everybody remembers the key now.
            for call in try Self.calls(tenant, deployment) {
                #expect(try await call() < 400)
            }
            if !whileRedisIsUp { try await deployment.redis.stop() }
            try await tenant.server.persist(.post, "/v1/portal/keys/\(id)/revoke").expecting(200)
            try await Self.expectRefused(tenant, deployment)
            if !whileRedisIsUp { try await deployment.redis.start() }
        }

        @Test func `a suspended client is refused by every service, and comes back`() async throws {
            let deployment = try Deployment.required()
            let staff = try await Staff.signIn(deployment)
            let tenant = try await staff.makeTenant("suspended", deployment)
            for call in try Self.calls(tenant, deployment) {
                #expect(try await call() < 400)
            }
            let path = "/v1/admin/clients/\(tenant.clientID)/status"
            try await staff.caller.persist(
                .post, path, ["status": "suspended", "reason": "unpaid"]
            ).expecting(200)
            try await Self.expectRefused(tenant, deployment)
            try await staff.caller.persist(.post, path, ["status": "active", "reason": "paid"])
                .expecting(200)
            for call in try Self.calls(tenant, deployment) {
                try await eventually("the client is let in again") { try await call() < 400 }
            }
        }

        /// The bound of DESIGN §6 is five seconds; the moment counts at which each answer began.
        private static func expectRefused(_ tenant: Tenant, _ deployment: Deployment) async throws {
            let bound = ContinuousClock.now + .seconds(5)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for call in try calls(tenant, deployment) {
                    group.addTask {
                        var lastAccepted: ContinuousClock.Instant?
                        while true {
                            let asked = ContinuousClock.now
                            if try await call() >= 400 { break }
                            lastAccepted = asked
                            try await Task.sleep(for: .milliseconds(50))
                        }
                        if let lastAccepted {
                            #expect(lastAccepted < bound, "it was let in after five seconds")
                        }
                    }
                }
                try await group.waitForAll()
            }
        }

        /// One call to each service itself; each gives the status.
        private static func calls(
            _ tenant: Tenant, _ deployment: Deployment
        ) throws -> [@Sendable () async throws -> Int] {
            var calls: [@Sendable () async throws -> Int] = []
            for read in reads {
                let caller = try deployment.caller(tenant.secretKey, at: read.service)
                calls.append { try await caller.send(.get, read.path).status }
            }
            let event = try deployment.caller(tenant.secretKey, at: .event)
            calls.append {
                let id = "revocation-\(UInt64.random(in: 0 ... .max))"
                return try await event.send(
                    .post, "/v1/sdk/events", ["events": [.signUp("ada", eventID: id)]]
                ).status
            }
            return calls
        }
    }
}
