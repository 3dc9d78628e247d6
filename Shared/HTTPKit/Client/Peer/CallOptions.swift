/// What one call to a peer carries besides its input.
package struct CallOptions: Sendable {
    /// Sent as `Idempotency-Key`; `.keyed` endpoints need it.
    package var idempotencyKey: String?
    /// Sent as `Grapevine-Position`: the peer answers only when it has seen the log up to there.
    package var position: String?
    /// How long the call may take with all its attempts.
    package var deadline: Duration
    /// How many attempts in all, at least 1.
    package var attempts: Int
    /// How large the answer may be.
    package var responseLimitBytes: Int

    package init(
        idempotencyKey: String? = nil, position: String? = nil, deadline: Duration = .seconds(5),
        attempts: Int = 3, responseLimitBytes: Int = 8 * 1024 * 1024
    ) {
        self.idempotencyKey = idempotencyKey
        self.position = position
        self.deadline = deadline
        self.attempts = attempts
        self.responseLimitBytes = responseLimitBytes
    }
}
