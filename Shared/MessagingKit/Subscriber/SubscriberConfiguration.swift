/// The bounds of a subscriber. The defaults suit every service; tests make them short.
package struct SubscriberConfiguration: Sendable, Hashable {
    /// The most events in one transaction, 1 to 500.
    package var batchLimit = 500
    /// How often the log is asked how far it goes although nobody woke us, while wake-ups can
    /// come: the truth, whatever Redis does. Without Redis the log is asked all the time, and
    /// answers late.
    package var pollInterval = Duration.seconds(2)
    /// The least time between the end of one page and the next of a shard, so that under load
    /// events come together; the first page after a quiet time is read at once.
    package var gatherInterval = Duration.milliseconds(10)
    /// The same after a page of many events, for a subscriber that need not keep up with a flood
    /// event by event. Who waits at its barrier ends it. Nil for the same.
    package var loadGatherInterval: Duration?
    /// How long a replica that gives no sign of life keeps its shards.
    package var leaseDuration = Duration.seconds(5)
    /// How often leases are renewed and shared out anew; well below `leaseDuration`.
    package var renewInterval = Duration.seconds(1)
    /// How long one batch may be under way before its shard is given to another replica.
    package var stallLimit = Duration.seconds(60)

    package init() {}
}
