import Glibc

/// Nanoseconds that never go back, for deadlines and durations within the process.
enum Monotonic {
    /// A deadline that never comes.
    static let never = Int64.max

    static func now() -> Int64 {
        var value = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &value)
        return Int64(value.tv_sec) * 1_000_000_000 + Int64(value.tv_nsec)
    }

    static func nanoseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return seconds.multipliedReportingOverflow(by: 1_000_000_000).partialValue
            + attoseconds / 1_000_000_000
    }
}
