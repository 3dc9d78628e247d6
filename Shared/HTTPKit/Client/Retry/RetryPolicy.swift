/// Which requests are sent again after a failure, how often, and after which pause. A pure
/// decision.
package struct RetryPolicy: Sendable, Hashable {
    /// What makes a repeat harmless.
    package enum Condition: Sendable, Hashable {
        /// Nothing does: one attempt.
        case never
        /// The method is GET or HEAD.
        case safeMethods
        /// The caller vouches that the peer recognises repeats (an idempotency key) or that the
        /// call changes nothing.
        case keyed
    }

    package let condition: Condition
    /// How many attempts in all, at least 1.
    package let attempts: Int
    /// The pause before attempt n+1 is a random share of `pauseBase` · 2^(n-1), at most
    /// `pauseLimit`.
    package let pauseBase: Duration
    package let pauseLimit: Duration

    private init(
        _ condition: Condition, attempts: Int, pauseBase: Duration, pauseLimit: Duration
    ) {
        self.condition = condition
        self.attempts = max(1, attempts)
        self.pauseBase = pauseBase
        self.pauseLimit = pauseLimit
    }

    /// One attempt only.
    package static let never = RetryPolicy(
        .never, attempts: 1, pauseBase: .zero, pauseLimit: .zero)

    /// Repeats GET and HEAD, nothing else.
    package static func safeMethods(
        attempts: Int = 3, pauseBase: Duration = .milliseconds(50),
        pauseLimit: Duration = .seconds(1)
    ) -> RetryPolicy {
        RetryPolicy(
            .safeMethods, attempts: attempts, pauseBase: pauseBase, pauseLimit: pauseLimit)
    }

    /// Repeats any method; only for requests that carry an idempotency key or change nothing.
    package static func keyed(
        attempts: Int = 3, pauseBase: Duration = .milliseconds(50),
        pauseLimit: Duration = .seconds(1)
    ) -> RetryPolicy {
        RetryPolicy(.keyed, attempts: attempts, pauseBase: pauseBase, pauseLimit: pauseLimit)
    }

    /// Whether a second sending of this method does no harm.
    package func allowsRepeat(of method: HTTPMethod) -> Bool {
        switch condition {
        case .never: false
        case .safeMethods: method == .get || method == .head
        case .keyed: true
        }
    }

    /// Whether an answer of that status asks for another attempt.
    ///
    /// 429, 502, 503 and 504 do; 409 does when it says when (a twin with the same key is under
    /// way).
    package func isTransient(status: Int, retryAfter: Duration?) -> Bool {
        switch status {
        case 429, 502, 503, 504: true
        case 409: condition == .keyed && retryAfter != nil
        default: false
        }
    }

    /// The pause after attempt number `attempt` (from 1), or nil to give up.
    ///
    /// Never shorter than the peer's `Retry-After`; nil when the pause would outlast `remaining`.
    /// `share` is a random number from 0 to 1.
    package func pause(
        afterAttempt attempt: Int, retryAfter: Duration?, remaining: Duration, share: Double
    ) -> Duration? {
        guard attempt < attempts else { return nil }
        let doubled = pauseBase * (1 << min(attempt - 1, 20))
        let pause = (retryAfter ?? .zero) + min(doubled, pauseLimit) * share
        return pause < remaining ? pause : nil
    }
}
