import Kernel
import Testing

@testable import EventService

@Suite struct TokenBucketsTests {
    private static let start = Timestamp(microseconds: 1_800_000_000_000_000)

    @Test func `all may come at once, then they come back one by one`() {
        var buckets = TokenBuckets<String>(limit: 10, per: .seconds(1))
        #expect(buckets.take(10, of: "a", at: Self.start) == nil)
        #expect(buckets.take(1, of: "a", at: Self.start) == .milliseconds(100))
        #expect(buckets.take(1, of: "b", at: Self.start) == nil)
        #expect(buckets.take(3, of: "a", at: Self.start + .milliseconds(100)) == .milliseconds(200))
        #expect(buckets.take(3, of: "a", at: Self.start + .milliseconds(300)) == nil)
        #expect(buckets.take(10, of: "a", at: Self.start + .seconds(2)) == nil)
    }

    @Test func `a batch above the limit passes a full bucket and holds up what follows`() {
        var buckets = TokenBuckets<String>(limit: 10, per: .seconds(1))
        #expect(buckets.take(30, of: "a", at: Self.start) == nil)
        #expect(buckets.take(1, of: "a", at: Self.start + .seconds(2)) == .milliseconds(100))
        #expect(buckets.take(30, of: "a", at: Self.start + .seconds(2)) == .seconds(1))
        #expect(buckets.take(1, of: "a", at: Self.start + .milliseconds(2100)) == nil)
    }

    @Test
    func `whoever waits gets a turn after those before, and nothing is taken beyond patience`() {
        var buckets = TokenBuckets<String>(limit: 10, per: .seconds(1))
        func turn(_ count: Int) -> TokenBuckets<String>.Turn {
            buckets.reserve(count, of: "a", at: Self.start, patience: .seconds(1))
        }
        #expect(turn(10) == .after(.zero))
        #expect(turn(4) == .after(.milliseconds(400)))
        #expect(turn(5) == .after(.milliseconds(900)))
        #expect(turn(3) == .refused(.milliseconds(1200)))
        #expect(turn(1) == .after(.seconds(1)))
    }

    @Test func `what was foreseen wrongly counts for those that come after`() {
        var buckets = TokenBuckets<String>(limit: 10, per: .seconds(1))
        let patience = Duration.seconds(1)
        #expect(buckets.reserve(30, of: "a", at: Self.start, patience: patience) == .after(.zero))
        buckets.settle(-25, of: "a")
        #expect(buckets.take(5, of: "a", at: Self.start) == nil)
        buckets.settle(3, of: "a")
        #expect(
            buckets.reserve(1, of: "a", at: Self.start, patience: patience)
                == .after(.milliseconds(400)))
    }

    @Test func `more subjects than it remembers go uncounted until old ones have refilled`() {
        var buckets = TokenBuckets<Int>(limit: 1, per: .seconds(1), maximumSubjects: 2)
        #expect(buckets.take(1, of: 1, at: Self.start) == nil)
        #expect(buckets.take(1, of: 2, at: Self.start) == nil)
        #expect(buckets.take(1, of: 3, at: Self.start) == nil)
        #expect(buckets.take(1, of: 3, at: Self.start) == nil)
        #expect(buckets.take(1, of: 1, at: Self.start) == .seconds(1))
        let later = Self.start + .seconds(2)
        #expect(buckets.take(1, of: 3, at: later) == nil)
        #expect(buckets.take(1, of: 3, at: later) == .seconds(1))
    }
}
