package import HTTPKit

/// What event-service does for the other services; the feed (`FeedRequest.path`) is its only GET.
package enum EventContracts {
    /// Appends services' messages. Answers after the commit; a message's id makes a repeat
    /// harmless, so it may be sent again freely, without an idempotency key.
    package static let append = Endpoint<LogAppendRequest, LogAppendResponse>(
        path: "/internal/log", safety: .read)

    /// Tells how many shards the log has.
    package static let shards = Endpoint<LogShardsRequest, LogShardsResponse>(
        path: "/internal/log/shards", safety: .read)
}
