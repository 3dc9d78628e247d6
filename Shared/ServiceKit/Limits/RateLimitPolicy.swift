import Kernel

/// So many requests in so long a time.
package struct RateLimitPolicy: Sendable, Hashable {
    /// A slug for headers, metrics and Redis keys (`per_key`).
    package let name: String
    /// How many may come within the window; at least 1. All may come at once, then they come
    /// back one by one, evenly.
    package let limit: Int
    /// At least one second.
    package let window: Duration

    package init(_ name: String, limit: Int, per window: Duration) {
        precondition(limit >= 1 && window >= .seconds(1), "A limit of nothing refuses everything.")
        self.name = name
        self.limit = limit
        self.window = window
    }

    /// Microseconds in which one request comes back.
    var intervalMicroseconds: Double { Double(window.wholeMicroseconds) / Double(limit) }
}

/// A policy with whom it counts.
package struct RateLimitSubject: Sendable, Hashable {
    package let policy: RateLimitPolicy
    /// Whose requests are counted together: a key's id, a participant's id. No people's data.
    package let subject: String

    package init(_ policy: RateLimitPolicy, _ subject: String) {
        self.policy = policy
        self.subject = subject
    }
}

/// What one policy said.
package struct RateLimitState: Sendable, Hashable {
    package let policy: RateLimitPolicy
    /// Requests left now.
    package let remaining: Int
    /// Until all requests are back.
    package let reset: Duration
    /// How long to wait; zero when this policy allowed the request.
    package let retryAfter: Duration
}

/// The answer of the limiter.
package enum RateLimitDecision: Sendable, Hashable {
    case allowed([RateLimitState])
    /// At least one policy refused; nothing was counted.
    case refused([RateLimitState], retryAfter: Duration)
    /// Redis could not be asked; the request goes on.
    case unknown
}
