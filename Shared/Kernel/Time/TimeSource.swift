#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A clock that is passed in.
///
/// Two kinds are in use and never mixed: the *system* clock (leases, tokens, limits, signatures)
/// and the *business* clock of a client (campaign windows, holds, expiry, timers).
package protocol TimeSource: Sendable {
    /// The current instant.
    func now() -> Timestamp
}

/// The machine's clock.
package struct SystemClock: TimeSource {
    package init() {}

    package func now() -> Timestamp {
        var value = timespec()
        clock_gettime(CLOCK_REALTIME, &value)
        return Timestamp(
            microseconds: Int64(value.tv_sec) * 1_000_000 + Int64(value.tv_nsec) / 1000)
    }
}

/// A client's business clock: another clock, moved forward by the client's offset.
///
/// The offset is zero except in test mode, where members move it to play a 30-day hold in seconds.
package struct BusinessClock: TimeSource {
    private let base: any TimeSource
    /// How far ahead of the system clock the client lives; never negative.
    package let offset: Duration

    package init(base: any TimeSource, offset: Duration = .zero) {
        self.base = base
        self.offset = max(.zero, offset)
    }

    package func now() -> Timestamp { base.now() + offset }
}
