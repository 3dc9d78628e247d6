/// How much one flush takes and how much may wait for one.
struct FlushLimits: Sendable {
    /// Events and bytes in one transaction. A single larger submission still goes, alone.
    var events = 5000
    var bytes = 8 << 20
    /// Bytes that may wait in all shards together before new ones are refused.
    var waitingBytes = 64 << 20
    /// Of these, what one client may have, so that its flood leaves room for others.
    var waitingBytesOfOne = 16 << 20
    /// How long a small batch that came together during a flush waits for company, and from how
    /// many events on it is not small.
    var gatherInterval = Duration.milliseconds(5)
    var gatherEvents = 8

    /// Whether so many events, which came during a flush, wait for more.
    func gathers(_ waiting: Int) -> Bool { waiting > 0 && waiting < gatherEvents }
}

/// What is in a flush so far.
struct FlushLoad: Sendable {
    private let limits: FlushLimits
    private var events = 0
    private var bytes = 0

    init(_ limits: FlushLimits) {
        self.limits = limits
    }

    /// Adds a submission where it fits.
    mutating func add(events: Int, bytes: Int) -> Bool {
        self.events += events
        self.bytes += bytes
        return self.events <= limits.events && self.bytes <= limits.bytes
    }
}
