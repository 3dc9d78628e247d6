import Foundation
import Kernel
import RedisKit
import ServiceKit
import TestKit
import Testing

@Suite(.timeLimit(.minutes(2))) struct RateLimiterTests {
    private func withLimiter(
        _ body: (RateLimiter, TestRedis) async throws -> Void
    ) async throws {
        let redis = try await TestRedis.make()
        let client = redis.client()
        try await eventually("Redis answers") {
            try await client.ping()
            return true
        }
        try await body(RateLimiter(redis: client, telemetry: Telemetry()), redis)
        await client.shutdown()
    }

    private let scope = ClientID(UUID())
    private let hourly = RateLimitPolicy("per_key", limit: 3, per: .seconds(3600))

    private func remaining(_ decision: RateLimitDecision) -> [Int]? {
        if case .allowed(let states) = decision { states.map(\.remaining) } else { nil }
    }

    @Test func `the limit may come at once and then is refused with a time to wait`() async throws {
        try await withLimiter { limiter, _ in
            let subject = [RateLimitSubject(hourly, "a")]
            var left: [[Int]?] = []
            for _ in 0..<3 {
                left.append(remaining(await limiter.check(subject, scope: scope)))
            }
            #expect(left == [[2], [1], [0]])
            guard case .refused(let states, let wait) = await limiter.check(subject, scope: scope)
            else {
                Issue.record("The fourth must be refused.")
                return
            }
            #expect(wait > .seconds(1000) && wait <= .seconds(1200))
            #expect(states.map(\.remaining) == [0])
            #expect(states[0].reset > .seconds(3500))
        }
    }

    @Test func `subjects and tenants count for themselves`() async throws {
        try await withLimiter { limiter, _ in
            for _ in 0..<3 {
                _ = await limiter.check([RateLimitSubject(hourly, "a")], scope: scope)
            }
            let other = await limiter.check([RateLimitSubject(hourly, "b")], scope: scope)
            #expect(remaining(other) == [2])
            let tenant = await limiter.check(
                [RateLimitSubject(hourly, "a")], scope: ClientID(UUID()))
            #expect(remaining(tenant) == [2])
        }
    }

    @Test func `when one policy refuses nothing is counted by the others`() async throws {
        try await withLimiter { limiter, _ in
            let wide = RateLimitPolicy("per_client", limit: 100, per: .seconds(3600))
            let both = [RateLimitSubject(hourly, "a"), RateLimitSubject(wide, "c")]
            for _ in 0..<3 { _ = await limiter.check(both, scope: scope) }
            for _ in 0..<5 {
                guard case .refused = await limiter.check(both, scope: scope) else {
                    Issue.record("The narrow policy must refuse.")
                    return
                }
            }
            let after = await limiter.check([RateLimitSubject(wide, "c")], scope: scope)
            #expect(remaining(after) == [96])
        }
    }

    @Test func `a cost counts as so many requests, and one above the limit never passes`()
        async throws
    {
        try await withLimiter { limiter, _ in
            let subject = [RateLimitSubject(hourly, "a")]
            guard case .refused = await limiter.check(subject, scope: scope, cost: 4) else {
                Issue.record("Four of three must be refused.")
                return
            }
            #expect(remaining(await limiter.check(subject, scope: scope, cost: 2)) == [1])
        }
    }

    @Test func `requests come back evenly`() async throws {
        try await withLimiter { limiter, _ in
            let quick = RateLimitPolicy("quick", limit: 20, per: .seconds(1))
            let subject = [RateLimitSubject(quick, "a")]
            _ = await limiter.check(subject, scope: scope, cost: 20)
            try await eventually("one comes back long before all do") {
                remaining(await limiter.check(subject, scope: scope)) != nil
            }
        }
    }

    @Test func `two hundred at once never get more than the limit`() async throws {
        try await withLimiter { limiter, _ in
            let policy = RateLimitPolicy("many", limit: 50, per: .seconds(3600))
            let allowed = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<200 {
                    group.addTask {
                        let subject = [RateLimitSubject(policy, "a")]
                        if case .allowed = await limiter.check(subject, scope: scope) {
                            return true
                        }
                        return false
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(allowed == 50)
        }
    }

    @Test func `what arrives together is counted each by its own subject and cost`() async throws {
        try await withLimiter { limiter, _ in
            let policy = RateLimitPolicy("many", limit: 40, per: .seconds(3600))
            let passed = await withTaskGroup(of: (String, Bool).self) { group in
                for (name, cost) in [("one", 1), ("four", 4), ("none", 41)] {
                    for _ in 0..<60 {
                        group.addTask {
                            let subject = [RateLimitSubject(policy, name)]
                            let decision = await limiter.check(subject, scope: scope, cost: cost)
                            return (name, remaining(decision) != nil)
                        }
                    }
                }
                return await group.reduce(into: [:]) { $0[$1.0, default: 0] += $1.1 ? 1 : 0 }
            }
            #expect(passed == ["one": 40, "four": 10, "none": 0])
        }
    }

    @Test func `without Redis everything passes and a metric tells`() async throws {
        let telemetry = Telemetry()
        let nowhere = RedisClient(
            try RedisConfiguration(url: "redis://127.0.0.1:1"), telemetry: telemetry)
        let limiter = RateLimiter(redis: nowhere, telemetry: telemetry)
        try await limiter.enforce([RateLimitSubject(hourly, "a")], scope: scope)
        let counter = telemetry.metrics.counter("grapevine_rate_limit_unavailable_total", help: "")
        #expect(counter.value == 1)
        await nowhere.shutdown()
    }
}
