import Contracts
import HTTPKit
import Kernel
import RedisKit
import TestKit
import Testing

/// PostgreSQL and Redis go away and come back while clients work: the services recover by
/// themselves, in the same processes.
@Suite(.serialized, .deployment, .timeLimit(.minutes(5)))
struct OutageTests {
    @Test(arguments: [StopMode.fast, .immediate])
    func `PostgreSQL restarts under load`(_ mode: StopMode) async throws {
        try await survive("postgres-\(mode.rawValue)") { deployment in
            try await deployment.databases.server.restart(mode)
        }
    }

    @Test func `Redis forgets everything under load`() async throws {
        try await survive("redis-flush") { deployment in
            let client = RedisClient(
                try RedisConfiguration(url: deployment.redis.url), telemetry: Telemetry())
            for _ in 0..<3 {
                _ = try await client.command(["FLUSHALL"])
                try await Task.sleep(for: .milliseconds(100))
            }
            await client.shutdown()
        }
    }

    @Test func `Redis is killed under load and comes back`() async throws {
        try await survive("redis-kill") { deployment in
            try await deployment.redis.kill()
            // Without Redis nothing stands still: events are polled for.
            let journey = try await Round(deployment: deployment, acknowledged: Acknowledged())
                .play("without-redis", signUps: 2)
            try await journey.waitForFulfilled(4)
            try await deployment.redis.start()
        }
    }

    /// People sign up all the time while `outage` happens, and some more after it.
    private func survive(
        _ name: String, _ outage: (Deployment) async throws -> Void
    ) async throws {
        let deployment = try Deployment.required()
        let pids = await deployment.pids()
        let acknowledged = Acknowledged()
        let tenant = try await Staff.signIn(deployment).makeTenant(name, deployment)
        let journey = try await Journey.begin(name, tenant, acknowledged)
        let load = Task {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<6 {
                    group.addTask { try await journey.signUpsUntilCancelled(named: "\(number)") }
                }
                try await group.waitForAll()
            }
        }
        do {
            try await moreThan(30, acknowledged)
            try await outage(deployment)
            try await moreThan(acknowledged.rewards.count + 30, acknowledged)
        } catch {
            load.cancel()
            throw error
        }
        load.cancel()
        try await load.value
        try await deployment.waitUntilReady()
        try await Audit(deployment: deployment).expectClean(acknowledged, within: .seconds(120))
        #expect(await deployment.pids() == pids, "no process had to be started again")
    }

    private func moreThan(_ count: Int, _ acknowledged: Acknowledged) async throws {
        try await eventually("more than \(count) sign-ups are acknowledged", within: .seconds(60)) {
            acknowledged.rewards.count > count
        }
    }
}
