/// What outgoing requests take over from the incoming one that caused them.
///
/// Set by the server around a handler; empty in background work.
package struct RequestScope: Sendable {
    /// Sent on as `X-Request-Id`.
    package let requestID: String
    /// No call lives longer than the request that it works for; nil sets no bound.
    package let deadline: ContinuousClock.Instant?

    /// The scope of the current task.
    @TaskLocal package static var current: RequestScope?

    package init(requestID: String, deadline: ContinuousClock.Instant? = nil) {
        self.requestID = requestID
        self.deadline = deadline
    }
}
