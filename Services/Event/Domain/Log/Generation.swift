import Kernel

/// A table of the event ids that were first seen in eight days.
///
/// Each table that holds ids is asked for ids that are not known to be new, and dropped as a whole
/// when it is not needed any more: two tables of eight days take a third of the time of nine of
/// one, and keep ids longer.
struct Generation: Sendable, Hashable, Comparable {
    /// The day with which it begins, since 1970-01-01 in UTC.
    let number: Int

    /// How long one is. The one before the present is kept, so that ids are known for at least as
    /// many days.
    static let days = 8

    init(number: Int) {
        self.number = number
    }

    init(_ time: Timestamp) {
        let day = Int(time.unixSeconds / 86_400)
        number = day - day % Self.days
    }

    static func < (left: Self, right: Self) -> Bool { left.number < right.number }

    /// The numbers of those that must exist at `time`; the last is made ahead.
    static func needed(at time: Timestamp) -> [Int] {
        let present = Generation(time).number
        return [present - days, present, present + days]
    }

    /// Whether it is too old to be needed at `time`.
    func isSpent(at time: Timestamp) -> Bool { number < Generation(time).number - Self.days }

    /// The numbers of those that hold ids after an append at `time`, given those before it.
    static func written(_ before: [Int], at time: Timestamp) -> [Int] {
        let present = Self(time)
        let kept = before.filter { $0 != present.number && !Self(number: $0).isSpent(at: time) }
        return (kept + [present.number]).sorted()
    }
}
