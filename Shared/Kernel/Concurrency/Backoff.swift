/// How long to wait after failures in a row: doubling, bounded, with full jitter.
///
/// A value; the random number is passed in.
package struct Backoff: Sendable, Hashable {
    /// The bound of the first wait.
    package let base: Duration
    /// The bound of every wait.
    package let limit: Duration
    /// Failures since the last success.
    package private(set) var failures = 0

    package init(base: Duration = .milliseconds(50), limit: Duration = .seconds(5)) {
        self.base = base
        self.limit = limit
    }

    /// A success: the next failure begins small again.
    package mutating func succeed() { failures = 0 }

    /// One more failure. How long to wait now: between `least` and the bound of this attempt.
    ///
    /// - Parameters:
    ///   - least: what the other side asked for (`Retry-After`); capped at `limit`.
    ///   - fraction: uniform in 0...1.
    package mutating func fail(
        least: Duration = .zero, fraction: Double = .random(in: 0...1)
    ) -> Duration {
        let bound = Swift.min(limit, base * (1 << Swift.min(failures, 20)))
        failures += 1
        return Swift.max(Swift.min(least, limit), bound * fraction)
    }
}
