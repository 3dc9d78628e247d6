import Kernel

/// A day's table of seen event ids.
struct Generation: Sendable, Hashable, Comparable {
    /// Days since 1970-01-01 in UTC.
    let number: Int

    /// Whole generations kept beside the present one, so that ids are known for at least this many
    /// days.
    static let kept = 8
    /// Generations made ahead of time.
    static let ahead = 7

    init(number: Int) {
        self.number = number
    }

    init(_ time: Timestamp) {
        number = Int(time.unixSeconds / 86_400)
    }

    static func < (left: Self, right: Self) -> Bool { left.number < right.number }

    /// Those that must exist at `time`.
    static func needed(at time: Timestamp) -> ClosedRange<Int> {
        let present = Generation(time).number
        return present - kept...present + ahead
    }

    /// Whether it is too old to be needed at `time`.
    func isSpent(at time: Timestamp) -> Bool { number < Generation(time).number - Self.kept }

    /// The numbers of those that hold ids after an append at `time`, given those before it.
    static func written(_ before: [Int], at time: Timestamp) -> [Int] {
        let present = Self(time)
        let kept = before.filter { $0 != present.number && !Self(number: $0).isSpent(at: time) }
        return (kept + [present.number]).sorted()
    }
}
