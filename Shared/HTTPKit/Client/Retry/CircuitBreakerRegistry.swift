import Synchronization

/// The breakers of a client, one per host and port. Remembers only peers with recent trouble.
final class CircuitBreakerRegistry: Sendable {
    /// Beyond so many troubled peers new ones go unwatched.
    private static let maximumPeers = 4096

    private let settings: CircuitBreaker.Settings
    private let breakers = Mutex<[String: CircuitBreaker]>([:])

    init(_ settings: CircuitBreaker.Settings) {
        self.settings = settings
    }

    func admit(_ authority: String) -> CircuitBreaker.Admission {
        breakers.withLock { breakers in
            guard var breaker = breakers[authority] else {
                var fresh = CircuitBreaker(settings)
                return fresh.admit(at: .now)
            }
            let admission = breaker.admit(at: .now)
            breakers[authority] = breaker
            return admission
        }
    }

    /// Returns whether this outcome opened or closed the breaker, for the log.
    func record(
        _ outcome: CircuitBreaker.Outcome, _ pass: CircuitBreaker.Pass, _ authority: String
    ) -> (before: CircuitBreaker.State, after: CircuitBreaker.State) {
        breakers.withLock { breakers in
            var breaker = breakers[authority] ?? CircuitBreaker(settings)
            let before = breaker.state
            breaker.record(outcome, pass, at: .now)
            if breaker.isPristine {
                breakers[authority] = nil
            } else if breakers[authority] != nil || breakers.count < Self.maximumPeers {
                breakers[authority] = breaker
            }
            return (before, breaker.state)
        }
    }
}
