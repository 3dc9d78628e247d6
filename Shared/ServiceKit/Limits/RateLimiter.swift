package import Kernel
package import RedisKit

/// Counts requests in Redis, for all replicas together, by the generic cell rate algorithm.
///
/// One script looks at all policies and counts only when every one allows. Requests that arrive
/// while Redis is being asked are counted by one call, and as many of them pass as may. Without
/// Redis everything is allowed and counted in `grapevine_rate_limit_unavailable_total`: the
/// gateway's coarse limits and the services' own bounds still hold.
package struct RateLimiter: Sendable {
    /// What a request counts as.
    private struct Check: Sendable, Hashable {
        let subjects: [RateLimitSubject]
        let scope: ClientID
        let cost: Int
    }

    private static let checksPerBatch = 256

    private let checks: Gathering<Check, RateLimitDecision>?
    private let metrics: Metrics
    private let unavailable: Counter

    /// Without `redis` every decision is `.unknown`.
    package init(redis: RedisClient?, telemetry: Telemetry) {
        metrics = telemetry.metrics
        unavailable = metrics.counter(
            "grapevine_rate_limit_unavailable_total",
            help: "Requests let through because Redis could not be asked.")
        checks = redis.map { redis in
            Gathering(limit: Self.checksPerBatch, interval: .zero, isEverybodys: { _ in true }) {
                await Self.decide($0, redis)
            }
        }
    }

    /// Counts one request, or `cost` of them (the events of a batch), against every subject.
    ///
    /// - Parameters:
    ///   - scope: the tenant; its counters live in one Redis slot.
    ///   - cost: at least 1. One that is above a policy's limit is never allowed.
    package func check(
        _ subjects: [RateLimitSubject], scope: ClientID, cost: Int = 1
    ) async -> RateLimitDecision {
        guard let checks, !subjects.isEmpty else { return .unknown }
        let check = Check(subjects: subjects, scope: scope, cost: max(1, cost))
        let decision = (try? await checks(check)) ?? .unknown
        if decision == .unknown { unavailable.increment() }
        return decision
    }

    /// One call for all that count alike; the calls are under way together.
    private static func decide(_ checks: [Check], _ redis: RedisClient) async -> [RateLimitDecision]
    {
        var places: [Check: [Int]] = [:]
        for (place, check) in checks.enumerated() { places[check, default: []].append(place) }
        return await withTaskGroup(of: (places: [Int], decisions: [RateLimitDecision]).self) {
            group in
            for (check, places) in places {
                group.addTask { (places, await decide(check, times: places.count, redis)) }
            }
            var decisions = [RateLimitDecision](repeating: .unknown, count: checks.count)
            for await found in group {
                for (place, decision) in zip(found.places, found.decisions) {
                    decisions[place] = decision
                }
            }
            return decisions
        }
    }

    private static func decide(
        _ check: Check, times: Int, _ redis: RedisClient
    ) async -> [RateLimitDecision] {
        let keys = check.subjects.map { "limit:{\(check.scope)}:\($0.policy.name):\($0.subject)" }
        let arguments = check.subjects.flatMap { subject -> [RedisArgument] in
            [
                .text(String(subject.policy.intervalMicroseconds)),
                .integer(subject.policy.limit),
            ]
        }
        // Failing open is the documented choice; the metric tells.
        let answer = try? await redis.run(
            RateLimitScript.script, keys: keys,
            arguments: [.integer(check.cost), .integer(times)] + arguments)
        return answer.flatMap { decisions($0, check, times: times) }
            ?? Array(repeating: .unknown, count: times)
    }

    /// Like `check`, notes the answer for `RateLimitMiddleware`, and throws 429 `rate_limited` with
    /// `Retry-After` when refused.
    package func enforce(
        _ subjects: [RateLimitSubject], scope: ClientID, cost: Int = 1
    ) async throws(Problem) {
        let decision = await check(subjects, scope: scope, cost: cost)
        switch decision {
        case .unknown:
            return
        case .allowed(let states):
            RateLimitReport.current?.add(states)
        case .refused(let states, let retryAfter):
            RateLimitReport.current?.add(states)
            for state in states where state.retryAfter > .zero {
                metrics.counter(
                    "grapevine_rate_limited_total", help: "Requests refused with 429.",
                    [("policy", state.policy.name)]
                ).increment()
            }
            throw Problem(
                status: 429, code: "rate_limited",
                detail: "Too many requests. Wait as long as Retry-After says.",
                retryAfter: max(.milliseconds(1), retryAfter))
        }
    }

    /// The script answers how many passed and then, per subject: remaining, reset, and how long one
    /// more would have to wait, both in microseconds.
    private static func decisions(
        _ answer: RedisValue, _ check: Check, times: Int
    ) -> [RateLimitDecision]? {
        guard let numbers = answer.array?.compactMap(\.integer),
            numbers.count == 1 + check.subjects.count * 3, (0...times).contains(numbers[0])
        else { return nil }
        func states(areRefused: Bool) -> [RateLimitState] {
            check.subjects.enumerated().map { index, subject in
                RateLimitState(
                    policy: subject.policy, remaining: numbers[1 + index * 3],
                    reset: .microseconds(numbers[2 + index * 3]),
                    retryAfter: areRefused ? .microseconds(numbers[3 + index * 3]) : .zero)
            }
        }
        let refused = states(areRefused: true)
        let wait = refused.map(\.retryAfter).max() ?? .zero
        return Array(repeating: .allowed(states(areRefused: false)), count: numbers[0])
            + Array(repeating: .refused(refused, retryAfter: wait), count: times - numbers[0])
    }
}

enum RateLimitScript {
    /// A counter is its theoretical arrival time in microseconds: when everything is used up and
    /// given back. Redis' own clock counts, so that replicas with different clocks agree.
    ///
    /// Counts as many requests of one cost as pass all policies. Half a microsecond is nobody's.
    static let script = RedisScript(
        """
        local clock = redis.call('TIME')
        local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
        local cost, passed = tonumber(ARGV[1]), tonumber(ARGV[2])
        local arrivals, answer = {}, {}
        for index, key in ipairs(KEYS) do
            local interval = tonumber(ARGV[index * 2 + 1])
            local limit = tonumber(ARGV[index * 2 + 2])
            local arrival = math.max(tonumber(redis.call('GET', key) or '0'), now)
            local free = now + limit * interval - arrival + 0.5
            passed = math.max(0, math.min(passed, math.floor(free / (cost * interval))))
            arrivals[index] = arrival
        end
        answer[1] = passed
        for index, key in ipairs(KEYS) do
            local interval = tonumber(ARGV[index * 2 + 1])
            local limit = tonumber(ARGV[index * 2 + 2])
            local arrival = arrivals[index]
            if passed > 0 then
                arrival = arrival + passed * cost * interval
                local life = math.ceil((arrival - now) / 1000)
                redis.call('SET', key, string.format('%.0f', arrival), 'PX', math.max(1, life))
            end
            local used = arrival - now
            local wait = used + (cost - limit) * interval
            answer[index * 3 - 1] = math.max(0, math.floor(limit - used / interval + 0.000001))
            answer[index * 3] = math.ceil(used)
            answer[index * 3 + 1] = math.max(0, math.ceil(wait - 0.5))
        end
        return answer
        """)
}
