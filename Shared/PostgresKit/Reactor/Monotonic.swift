import Glibc

/// Nanoseconds that only grow, for deadlines and waits inside this kit.
enum Monotonic {
    static func now() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// The moment that a clock instant means here.
    static func moment(of instant: ContinuousClock.Instant) -> UInt64 {
        let left = ContinuousClock.now.duration(to: instant)
        return left <= .zero ? now() : now() + left.nanoseconds
    }
}

extension Duration {
    /// Nanoseconds, zero for negative durations.
    var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        return UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds) / 1_000_000_000
    }
}
