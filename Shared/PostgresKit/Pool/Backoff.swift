/// How long to wait before trying again: doubling, with full jitter, bounded.
struct Backoff: Sendable {
    var base: Duration
    var limit: Duration

    static let connecting = Backoff(base: .milliseconds(50), limit: .seconds(2))
    static let transaction = Backoff(base: .milliseconds(5), limit: .milliseconds(500))

    /// The wait after `failures` failures in a row (1 is the first). `random` is between 0 and 1.
    func delay(afterFailures failures: Int, random: Double) -> Duration {
        let ceiling = min(base * (1 << min(max(failures, 1) - 1, 20)), limit)
        return ceiling * min(max(random, 0), 1)
    }
}
