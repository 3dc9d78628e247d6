import Kernel
import Testing

@Suite struct BackoffTests {
    @Test func `waits double up to the limit and begin small again after a success`() {
        var backoff = Backoff(base: .milliseconds(100), limit: .seconds(1))
        let waits = (0..<6).map { _ in backoff.fail(fraction: 1) }
        #expect(waits == [100, 200, 400, 800, 1000, 1000].map { .milliseconds($0) })
        backoff.succeed()
        #expect(backoff.fail(fraction: 1) == .milliseconds(100))
    }

    @Test func `jitter spreads a wait down to nothing`() {
        var backoff = Backoff(base: .milliseconds(100), limit: .seconds(1))
        #expect(backoff.fail(fraction: 0) == .zero)
        #expect(backoff.fail(fraction: 0.5) == .milliseconds(100))
    }

    @Test func `what the other side asked for is kept to, within the limit`() {
        var backoff = Backoff(base: .milliseconds(100), limit: .seconds(1))
        #expect(backoff.fail(least: .milliseconds(300), fraction: 0) == .milliseconds(300))
        #expect(backoff.fail(least: .seconds(60), fraction: 0) == .seconds(1))
    }

    @Test func `thousands of failures do not overflow`() {
        var backoff = Backoff(base: .milliseconds(50), limit: .seconds(5))
        for _ in 0..<5000 { #expect(backoff.fail() <= .seconds(5)) }
    }
}
