import Kernel

/// How many events a subject may send, for many subjects: all at once, then they come back evenly.
///
/// The generic cell rate algorithm (ITU-T I.371) as RateLimiter has it, but in this process, where
/// it costs nothing: every replica counts for itself.
struct TokenBuckets<Subject: Hashable & Sendable>: Sendable {
    /// How many subjects are remembered. Beyond it, new ones go uncounted until old ones have
    /// refilled: a limit must not become a way to fill the memory.
    private let maximumSubjects: Int
    private let limit: Int
    private let intervalMicroseconds: Double
    /// When each subject's bucket is full again, in microseconds since 1970.
    private var fullAt: [Subject: Double] = [:]

    init(limit: Int, per window: Duration, maximumSubjects: Int = 100_000) {
        self.limit = limit
        intervalMicroseconds = Double(window.wholeMicroseconds) / Double(limit)
        self.maximumSubjects = maximumSubjects
    }

    /// How long until the subject may send again at all; nil when it may now. Takes nothing.
    func wait(of subject: Subject, at now: Timestamp) -> Duration? {
        guard let fullAt = fullAt[subject] else { return nil }
        let missing = fullAt - Double(now.microseconds)
        let excess = missing - Double(limit - 1) * intervalMicroseconds
        return excess > 0 ? .microseconds(Int64(excess.rounded(.up))) : nil
    }

    /// Takes `count` and returns nil, or takes nothing and returns how long to wait.
    ///
    /// More than the limit at once pass a full bucket, and what follows waits for it.
    mutating func take(_ count: Int, of subject: Subject, at now: Timestamp) -> Duration? {
        let now = Double(now.microseconds)
        let before = fullAt[subject] ?? now
        let after = max(before, now) + Double(count) * intervalMicroseconds
        let excess = after - now - Double(limit) * intervalMicroseconds
        guard excess <= 0 || before <= now else {
            return .microseconds(Int64(min(excess, before - now).rounded(.up)))
        }
        if fullAt[subject] == nil, fullAt.count >= maximumSubjects {
            fullAt = fullAt.filter { $0.value > now }
            guard fullAt.count < maximumSubjects else { return nil }
        }
        fullAt[subject] = after
        return nil
    }
}
