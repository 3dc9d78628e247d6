package import Kernel
package import RedisKit

/// Counts requests in Redis, for all replicas together, by the generic cell rate algorithm.
///
/// One script looks at all policies and counts only when every one allows. Without Redis everything
/// is allowed and counted in `grapevine_rate_limit_unavailable_total`: the gateway's coarse limits
/// and the services' own bounds still hold.
package struct RateLimiter: Sendable {
    private let redis: RedisClient?
    private let metrics: Metrics
    private let unavailable: Counter

    /// Without `redis` every decision is `.unknown`.
    package init(redis: RedisClient?, telemetry: Telemetry) {
        self.redis = redis
        metrics = telemetry.metrics
        unavailable = metrics.counter(
            "grapevine_rate_limit_unavailable_total",
            help: "Requests let through because Redis could not be asked.")
    }

    /// Counts one request, or `cost` of them (the events of a batch), against every subject.
    ///
    /// - Parameters:
    ///   - scope: the tenant; its counters live in one Redis slot.
    ///   - cost: at least 1. One that is above a policy's limit is never allowed.
    package func check(
        _ subjects: [RateLimitSubject], scope: ClientID, cost: Int = 1
    ) async -> RateLimitDecision {
        guard let redis, !subjects.isEmpty else { return .unknown }
        let keys = subjects.map { "limit:{\(scope)}:\($0.policy.name):\($0.subject)" }
        let arguments = subjects.flatMap { subject -> [RedisArgument] in
            [
                .text(String(subject.policy.intervalMicroseconds)),
                .integer(subject.policy.limit),
            ]
        }
        do {
            let answer = try await redis.run(
                RateLimitScript.script, keys: keys,
                arguments: [.integer(max(1, cost))] + arguments)
            if let decision = decision(answer, subjects) { return decision }
        } catch {
            // Failing open is the documented choice; the metric tells.
        }
        unavailable.increment()
        return .unknown
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

    /// The script answers, per subject: remaining, reset and retry-after, both in microseconds.
    private func decision(
        _ answer: RedisValue, _ subjects: [RateLimitSubject]
    ) -> RateLimitDecision? {
        guard let numbers = answer.array?.compactMap(\.integer),
            numbers.count == subjects.count * 3
        else { return nil }
        let states = subjects.enumerated().map { index, subject in
            RateLimitState(
                policy: subject.policy, remaining: numbers[index * 3],
                reset: .microseconds(numbers[index * 3 + 1]),
                retryAfter: .microseconds(numbers[index * 3 + 2]))
        }
        let retryAfter = states.map(\.retryAfter).max() ?? .zero
        return retryAfter > .zero
            ? .refused(states, retryAfter: retryAfter) : .allowed(states)
    }
}

enum RateLimitScript {
    /// A counter is its theoretical arrival time in microseconds: when everything is used up and
    /// given back. Redis' own clock counts, so that replicas with different clocks agree.
    static let script = RedisScript(
        """
        local clock = redis.call('TIME')
        local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
        local cost = tonumber(ARGV[1])
        local arrivals, answer, refused = {}, {}, false
        for index, key in ipairs(KEYS) do
            local interval = tonumber(ARGV[index * 2])
            local limit = tonumber(ARGV[index * 2 + 1])
            local arrival = math.max(tonumber(redis.call('GET', key) or '0'), now)
            local wait = arrival + cost * interval - limit * interval - now
            if wait > 0.5 then refused = true end
            arrivals[index] = arrival
            answer[index * 3] = math.max(0, math.ceil(wait - 0.5))
        end
        for index, key in ipairs(KEYS) do
            local interval = tonumber(ARGV[index * 2])
            local limit = tonumber(ARGV[index * 2 + 1])
            local arrival = arrivals[index]
            if not refused then
                arrival = arrival + cost * interval
                local life = math.ceil((arrival - now) / 1000)
                redis.call('SET', key, string.format('%.0f', arrival), 'PX', math.max(1, life))
            end
            local used = arrival - now
            answer[index * 3 - 2] = math.max(0, math.floor(limit - used / interval + 0.000001))
            answer[index * 3 - 1] = math.ceil(used)
        end
        return answer
        """)
}
