import Kernel
import Testing

@testable import DurableKit

struct RetryPolicyTests {
    private let start = Timestamp(microseconds: 1_000_000_000)

    private func delays(_ policy: RetryPolicy, random: Double, upTo count: Int) -> [Duration?] {
        (1...count).map { failures in
            policy.nextAttempt(
                failures: failures, firstFailedAt: start, now: start, atLeast: nil, random: random
            ).map { $0 - start }
        }
    }

    @Test func `the bound doubles up to the maximum and attempts end`() {
        let policy = RetryPolicy(
            limit: .attempts(6), initialDelay: .seconds(1), maximumDelay: .seconds(5))
        #expect(
            delays(policy, random: 1, upTo: 6)
                == [.seconds(1), .seconds(2), .seconds(4), .seconds(5), .seconds(5), nil])
    }

    @Test func `full jitter takes any part of the bound`() {
        let policy = RetryPolicy(limit: .never, initialDelay: .seconds(8))
        #expect(delays(policy, random: 0, upTo: 1) == [.zero])
        #expect(delays(policy, random: 0.25, upTo: 2) == [.seconds(2), .seconds(4)])
    }

    @Test func `a failure can ask for a longer delay`() {
        let next = RetryPolicy().nextAttempt(
            failures: 1, firstFailedAt: start, now: start, atLeast: .seconds(9), random: 0)
        #expect(next == start + .seconds(9))
    }

    @Test func `a limit in time counts from the first failure`() {
        let policy = RetryPolicy(limit: .elapsed(.seconds(60)), initialDelay: .seconds(10))
        let early = policy.nextAttempt(
            failures: 1, firstFailedAt: start, now: start + .seconds(50), atLeast: nil, random: 1)
        let late = policy.nextAttempt(
            failures: 1, firstFailedAt: start, now: start + .seconds(51), atLeast: nil, random: 1)
        #expect(early == start + .seconds(60))
        #expect(late == nil)
    }

    @Test func `a thousand failures do not overflow`() {
        let policy = RetryPolicy(limit: .never, maximumDelay: .seconds(60))
        #expect(delays(policy, random: 1, upTo: 1000).last == .seconds(60))
    }

    @Test func `a step's name has no colon, is visible ASCII and at most 200 bytes`() {
        #expect(StepName("pay", occurrence: nil)?.text == "pay")
        #expect(StepName("pay", occurrence: "rwd:1")?.text == "pay:rwd:1")
        #expect(StepName("", occurrence: nil) == nil)
        #expect(StepName("a:b", occurrence: nil) == nil)
        #expect(StepName("a\n", occurrence: nil) == nil)
        #expect(StepName("a", occurrence: "ä") == nil)
        #expect(StepName(String(repeating: "a", count: 201), occurrence: nil) == nil)
    }
}
