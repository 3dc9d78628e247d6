package import Contracts

/// The log as its users see it: event-service over HTTP, or a double in a test.
package protocol LogPort: Sendable {
    /// Appends 1 to 200 messages, in order per client; answers after the commit, one result each.
    ///
    /// A message whose id is known is a duplicate, so the same call may be made again freely.
    func append(_ messages: [LogMessage]) async throws(LogError) -> [LogAppendResult]

    /// One page of a shard; see `FeedRequest` for what `after` acknowledges.
    func feed(_ request: FeedRequest) async throws(LogError) -> FeedPage

    /// How many shards the log has; 1 or more.
    func shardCount() async throws(LogError) -> Int

    /// The last position of each shard; nil when this log does not tell, and each must be asked.
    func heads() async throws(LogError) -> [Int]?
}

extension LogPort {
    /// Not told.
    package func heads() async throws(LogError) -> [Int]? { nil }
}

/// Why the log gave no answer.
package enum LogError: Error, Sendable, Hashable {
    /// The log will never take this: the same call has the same answer for ever.
    case refused(code: String, detail: String)
    /// It may work later; `retryAfter` when the log said how much later. The reason carries no
    /// data.
    case unavailable(reason: String, retryAfter: Duration? = nil)
    /// The log gave a page with an event that cannot be read here.
    case unreadable(UnreadablePage)
}
