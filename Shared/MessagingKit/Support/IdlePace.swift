/// How long an idle loop sleeps before it looks again: short after something happened, then longer.
///
/// What is looked for may be with another for a moment, so the first looks come quickly.
package struct IdlePace: Sendable, Hashable {
    private static let shortest = Duration.milliseconds(2)
    private let longest: Duration
    private var current = IdlePace.shortest

    package init(longest: Duration) {
        self.longest = longest
    }

    /// Something happened: look again soon.
    package mutating func quicken() { current = Self.shortest }

    /// Nothing found: how long to sleep now.
    package mutating func next() -> Duration {
        defer { current = Swift.min(longest, current * 2) }
        return Swift.min(longest, current)
    }
}
