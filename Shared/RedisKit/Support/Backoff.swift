/// How long to pause before the next attempt to connect: doubling, with jitter over the upper half.
struct Backoff {
    private let minimum: Duration
    private let maximum: Duration
    private var next: Duration

    init(minimum: Duration, maximum: Duration) {
        self.minimum = minimum
        self.maximum = max(minimum, maximum)
        next = minimum
    }

    /// The pause now; `share` is a random number from 0 to 1.
    mutating func pause(share: Double = Double.random(in: 0...1)) -> Duration {
        let pause = next * (0.5 + share / 2)
        next = min(next * 2, maximum)
        return pause
    }

    mutating func reset() { next = minimum }
}
