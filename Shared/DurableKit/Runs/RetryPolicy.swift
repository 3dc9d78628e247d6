import Kernel

/// How often and how far apart a step is tried.
package struct RetryPolicy: Sendable, Hashable {
    /// When to give up.
    package enum Limit: Sendable, Hashable {
        /// After so many attempts, the first included.
        case attempts(Int)
        /// When the next attempt would begin later than this after the first failure, also across
        /// restarts.
        case elapsed(Duration)
        /// Never; only a permanent failure or a cancellation ends it.
        case never
    }

    package var limit: Limit
    /// The upper bound of the first delay.
    package var initialDelay: Duration
    /// The upper bound that delays grow to.
    package var maximumDelay: Duration
    /// By how much the bound grows per failure, at least 1.
    package var factor: Double
    /// How long one attempt may take before its task is cancelled, to about 100 ms.
    package var attemptTimeout: Duration

    package init(
        limit: Limit = .attempts(10), initialDelay: Duration = .milliseconds(200),
        maximumDelay: Duration = .seconds(60), factor: Double = 2,
        attemptTimeout: Duration = .seconds(30)
    ) {
        self.limit = limit
        self.initialDelay = initialDelay
        self.maximumDelay = maximumDelay
        self.factor = max(1, factor)
        self.attemptTimeout = attemptTimeout
    }

    /// Ten attempts over about a minute and a half.
    package static let `default` = RetryPolicy()
    /// One attempt.
    package static let once = RetryPolicy(limit: .attempts(1))

    /// When to try again after a failure; nil to give up.
    ///
    /// Full jitter: a uniformly random part of the exponential bound, so that many runs that failed
    /// together do not return together. Source: AWS, "Exponential backoff and jitter".
    func nextAttempt(
        failures: Int, firstFailedAt: Timestamp, now: Timestamp, atLeast minimum: Duration?,
        random: Double
    ) -> Timestamp? {
        var bound = initialDelay.inSeconds
        for _ in 1..<max(2, min(failures, 64)) where failures > 1 {
            bound = min(bound * factor, maximumDelay.inSeconds)
        }
        let jittered = Duration.microseconds(Int64(bound * random * 1_000_000))
        let next = now + max(jittered, minimum ?? .zero)
        switch limit {
        case .attempts(let count): return failures < count ? next : nil
        case .elapsed(let duration): return next - firstFailedAt <= duration ? next : nil
        case .never: return next
        }
    }
}
