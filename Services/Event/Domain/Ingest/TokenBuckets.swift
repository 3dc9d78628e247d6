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

    /// What becomes of who asks for more than there is now.
    enum Turn: Sendable, Hashable {
        /// It was taken for then.
        case after(Duration)
        /// Nothing was taken; so long it would have been until then.
        case refused(Duration)
    }

    /// Takes `count` as of the moment when there will be so many, when that is within `patience`.
    ///
    /// Turns follow each other: who asks later gets a later one. More than the limit at once pass
    /// a full bucket, and what follows waits for it.
    mutating func reserve(
        _ count: Int, of subject: Subject, at now: Timestamp, patience: Duration
    ) -> Turn {
        let now = Double(now.microseconds)
        let before = fullAt[subject] ?? now
        let after = max(before, now) + Double(count) * intervalMicroseconds
        let excess = before <= now ? 0 : after - now - Double(limit) * intervalMicroseconds
        let wait = Duration.microseconds(Int64(max(excess, 0).rounded(.up)))
        guard wait <= patience else { return .refused(wait) }
        note(after, of: subject, at: now)
        return .after(wait)
    }

    /// Takes what was not foreseen when a turn was reserved, or gives back when it is negative.
    mutating func settle(_ difference: Int, of subject: Subject) {
        guard let before = fullAt[subject] else { return }
        fullAt[subject] = before + Double(difference) * intervalMicroseconds
    }

    /// Takes `count` and returns nil, or takes nothing and returns how long to wait.
    ///
    /// More than the limit at once pass a full bucket, and what follows waits for it.
    mutating func take(_ count: Int, of subject: Subject, at now: Timestamp) -> Duration? {
        guard case .refused(let wait) = reserve(count, of: subject, at: now, patience: .zero),
            let fullAt = fullAt[subject]
        else { return nil }
        let untilFull = fullAt - Double(now.microseconds)
        return min(wait, .microseconds(Int64(untilFull.rounded(.up))))
    }

    private mutating func note(_ time: Double, of subject: Subject, at now: Double) {
        if fullAt[subject] == nil, fullAt.count >= maximumSubjects {
            fullAt = fullAt.filter { $0.value > now }
            guard fullAt.count < maximumSubjects else { return }
        }
        fullAt[subject] = time
    }
}
