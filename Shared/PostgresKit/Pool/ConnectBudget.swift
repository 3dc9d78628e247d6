import Kernel
import Synchronization

/// How many connections there are and may be, and when the next attempt is due. A pure value.
///
/// Times are nanoseconds of the monotonic clock.
struct ConnectBudget {
    let limit: Int
    /// When anybody of this process last reached the server.
    let sighting: Sighting
    private(set) var open = 0
    private(set) var connecting = 0
    private var backoff = Backoff(base: .milliseconds(50), limit: .seconds(2))
    private(set) var nextAttemptAt: UInt64 = 0
    /// Since when there has been no connection and attempts fail; nil when all is well.
    private(set) var downSince: UInt64?
    private var lastFailureAt: UInt64 = 0

    init(limit: Int, sighting: Sighting = Sighting()) {
        self.limit = limit
        self.sighting = sighting
    }

    /// Somebody else has reached the server since we failed to.
    private var isServerBack: Bool { sighting.at > lastFailureAt }

    /// How many attempts to begin now for `wanted` more connections. While the server refuses, one
    /// at a time and not before its wait is over.
    mutating func begin(wanted: Int, now: UInt64) -> Int {
        var count = min(wanted - connecting, limit - open - connecting)
        if backoff.failures > 0 {
            guard connecting == 0, now >= nextAttemptAt || isServerBack else { return 0 }
            count = min(count, 1)
        }
        count = max(count, 0)
        connecting += count
        return count
    }

    mutating func opened(now: UInt64) {
        sighting.note(now)
        connecting -= 1
        open += 1
        backoff.succeed()
        downSince = nil
    }

    mutating func failed(now: UInt64, random: Double) {
        connecting -= 1
        lastFailureAt = now
        nextAttemptAt = now + backoff.fail(fraction: random).nanoseconds
        if open == 0, downSince == nil { downSince = now }
    }

    mutating func closed() { open -= 1 }

    /// Whether the server has been away for so long that waiting for it is pointless.
    func isDown(forNanoseconds limit: UInt64, now: UInt64) -> Bool {
        guard let downSince, !isServerBack else { return false }
        return downSince + limit <= now
    }
}

/// When the server was last reached; shared by all that connect to it, so that the one who finds it
/// back spares the others their pauses.
final class Sighting: Sendable {
    private let moment = Atomic<UInt64>(0)

    var at: UInt64 { moment.load(ordering: .relaxed) }

    func note(_ now: UInt64) { moment.max(now, ordering: .relaxed) }
}
