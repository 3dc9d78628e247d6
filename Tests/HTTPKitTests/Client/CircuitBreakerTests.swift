import HTTPKit
import Testing

struct CircuitBreakerTests {
    private let start = ContinuousClock.now

    private func breaker(threshold: Int = 3) -> CircuitBreaker {
        var settings = CircuitBreaker.Settings()
        settings.failureThreshold = threshold
        settings.openMinimum = .seconds(1)
        settings.openMaximum = .seconds(4)
        return CircuitBreaker(settings)
    }

    /// One request with a known outcome; false when it was refused.
    private func run(
        _ breaker: inout CircuitBreaker, _ outcome: CircuitBreaker.Outcome,
        at seconds: Double = 0
    ) -> Bool {
        let now = start + .seconds(seconds)
        guard case .admitted(let pass) = breaker.admit(at: now) else { return false }
        breaker.record(outcome, pass, at: now)
        return true
    }

    @Test func `it opens after so many failures in a row, and only then`() {
        var breaker = breaker()
        for outcome: CircuitBreaker.Outcome in [.failure, .failure, .success, .failure, .failure] {
            #expect(run(&breaker, outcome))
        }
        #expect(breaker.state == .closed(failures: 2))
        #expect(run(&breaker, .unknown))
        #expect(breaker.state == .closed(failures: 2))
        #expect(run(&breaker, .failure))
        #expect(breaker.state == .open(until: start + .seconds(1)))
        #expect(breaker.admit(at: start + .seconds(0.25)) == .refused(retryAfter: .seconds(0.75)))
    }

    @Test func `half-open lets one probe through, whose success closes it`() {
        var breaker = breaker(threshold: 1)
        #expect(run(&breaker, .failure))
        let later = start + .seconds(1)
        guard case .admitted(let probe) = breaker.admit(at: later) else {
            Issue.record("The probe was refused.")
            return
        }
        #expect(breaker.admit(at: later) == .refused(retryAfter: .seconds(1)))
        breaker.record(.success, probe, at: later)
        #expect(breaker.isPristine)
    }

    @Test func `each failed probe doubles the time up to the limit, a success resets it`() {
        var breaker = breaker(threshold: 1)
        var now = 0.0
        #expect(run(&breaker, .failure, at: now))
        for pause in [1.0, 2, 4, 4] {
            #expect(!run(&breaker, .failure, at: now + pause - 0.001))
            now += pause
            #expect(run(&breaker, .failure, at: now))
        }
        now += 4
        #expect(run(&breaker, .success, at: now))
        #expect(run(&breaker, .failure, at: now))
        #expect(breaker.state == .open(until: start + .seconds(now + 1)))
    }

    @Test func `a probe that ends without a verdict makes room for another`() {
        var breaker = breaker(threshold: 1)
        #expect(run(&breaker, .failure))
        #expect(run(&breaker, .unknown, at: 1))
        #expect(breaker.state == .halfOpen(isProbing: false))
        #expect(run(&breaker, .success, at: 1))
        #expect(breaker.isPristine)
    }

    @Test func `outcomes of requests from before it opened change nothing`() {
        var breaker = breaker(threshold: 1)
        guard case .admitted(let early) = breaker.admit(at: start) else {
            Issue.record("The first request was refused.")
            return
        }
        #expect(run(&breaker, .failure))
        let open = breaker.state
        breaker.record(.success, early, at: start)
        #expect(breaker.state == open)
        guard case .admitted(let probe) = breaker.admit(at: start + .seconds(1)) else {
            Issue.record("The probe was refused.")
            return
        }
        breaker.record(.failure, early, at: start + .seconds(1))
        #expect(breaker.state == .halfOpen(isProbing: true))
        breaker.record(.success, probe, at: start + .seconds(1))
        #expect(breaker.isPristine)
    }
}
