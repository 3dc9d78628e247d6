/// What outgoing requests take over from the incoming one that caused them.
///
/// Set by the server around a handler; none in background work.
package struct RequestScope: Sendable {
    /// Sent on as `X-Request-Id`.
    package let requestID: String

    /// The scope of the current task.
    @TaskLocal package static var current: RequestScope?

    /// A scope for handlers and tests.
    package init(requestID: String) {
        self.requestID = requestID
    }
}
