/// How much one flush takes and how much may wait for one.
struct FlushLimits: Sendable {
    /// Events and bytes in one transaction. A single larger submission still goes, alone.
    var events = 5000
    var bytes = 8 << 20
    /// Bytes that may wait in all shards together before new ones are refused.
    var waitingBytes = 64 << 20
    /// How long a small batch that came together during a flush waits for company, and from how
    /// many submissions on it is not small.
    var gatherInterval = Duration.milliseconds(5)
    var gatherSubmissions = 8

    /// Whether so many submissions, which came during a flush, wait for more.
    func gathers(_ waiting: Int) -> Bool { waiting > 0 && waiting < gatherSubmissions }

    /// How many of the waiting submissions, oldest first, go into the next flush: at least one.
    func batch(_ waiting: some Sequence<(events: Int, bytes: Int)>) -> Int {
        var total = (events: 0, bytes: 0)
        var count = 0
        for size in waiting {
            total.events += size.events
            total.bytes += size.bytes
            if count > 0, total.events > events || total.bytes > bytes { break }
            count += 1
        }
        return count
    }
}
