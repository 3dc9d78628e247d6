package import Contracts

/// What a subscriber wants beside what it always wants, where that follows from events themselves:
/// once a campaign is active, the events that trigger it.
///
/// The log leaves out what is not wanted, so nothing may be passed over that an event before it
/// made wanted: such an event ends its page, and what follows it is asked for anew.
package struct ChangingWants: Sendable {
    /// The most that an event may make wanted; nil for an event that changes nothing of it.
    ///
    /// Events that change something are always wanted (`Subscriber`'s `wanted`).
    let made: @Sendable (LogEvent) -> Wanted?
    /// What is wanted of a shard by the events that took effect there.
    let read: @Sendable (_ shard: Int) async throws -> Wanted

    package init(
        made: @escaping @Sendable (LogEvent) -> Wanted?,
        read: @escaping @Sendable (_ shard: Int) async throws -> Wanted
    ) {
        self.made = made
        self.read = read
    }
}

extension FeedPage {
    /// The page as far as it is whole: up to the first event that makes more wanted than `asked`,
    /// by which it was filtered; and whether something in it changes what is wanted at all.
    func whole(for asked: Wanted, _ changes: ChangingWants) -> (page: FeedPage, isChange: Bool) {
        var isChange = false
        for (index, event) in events.enumerated() {
            guard let made = changes.made(event) else { continue }
            isChange = true
            if asked.covers(made) { continue }
            let page = FeedPage(
                shard: shard, events: Array(events[...index]), next: event.position.position,
                head: head)
            return (page, true)
        }
        return (self, isChange)
    }
}
