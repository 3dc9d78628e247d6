package import Kernel
import Synchronization

/// A clock that stands still until a test moves it.
package final class TestClock: TimeSource {
    private let time: Mutex<Timestamp>

    /// Begins at 2026-01-01T00:00:00Z unless told otherwise.
    package init(at start: Timestamp = Timestamp(microseconds: 1_767_225_600_000_000)) {
        time = Mutex(start)
    }

    package func now() -> Timestamp { time.withLock { $0 } }

    /// Moves forward, or back when the duration is negative.
    package func advance(by duration: Duration) {
        time.withLock { $0 = $0 + duration }
    }

    /// Jumps to an instant.
    package func set(_ instant: Timestamp) {
        time.withLock { $0 = instant }
    }
}
