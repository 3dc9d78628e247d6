/// Who has which connection and who waits, first come, first served. A pure value: the shell opens,
/// closes and resumes what it says. Times are nanoseconds of the monotonic clock.
struct PoolState {
    typealias ConnectionID = UInt64
    typealias WaiterID = UInt64

    /// What becomes of somebody who wants a connection.
    enum Answer: Equatable {
        case use(ConnectionID)
        case wait
        /// Too many wait already.
        case refuse
        /// The server has been away for longer than anybody may wait.
        case down
    }

    /// What becomes of a connection that is free.
    enum Placement: Equatable {
        case hand(to: WaiterID)
        case keep
    }

    /// The most callers who may wait at once.
    static let maximumWaiters = 10_000

    private let waitLimit: UInt64
    private let idleLimit: UInt64
    private(set) var budget: ConnectBudget
    /// The one used last is at the end and goes out first, so that the rest can grow old.
    private var idle: [(id: ConnectionID, since: UInt64)] = []
    private var waiters = Queue<(id: WaiterID, until: UInt64)>()
    private(set) var leased: Set<ConnectionID> = []
    /// Somebody was turned away: find out whether the server is back.
    private var isProbeWanted = false

    init(limit: Int, waitLimit: UInt64, idleLimit: UInt64, sighting: Sighting = Sighting()) {
        budget = ConnectBudget(limit: limit, sighting: sighting)
        self.waitLimit = waitLimit
        self.idleLimit = idleLimit
    }

    var waiting: Int { waiters.count }
    var idleCount: Int { idle.count }

    /// Whether a stand-alone statement may take one, too: nobody waits, and half stays for
    /// transactions.
    var hasRoomForOthers: Bool { waiters.isEmpty && leased.count < max(1, budget.limit / 2) }

    mutating func lease(_ waiter: WaiterID, now: UInt64) -> Answer {
        // Nobody overtakes those who wait.
        if waiters.isEmpty, let connection = idle.popLast() {
            leased.insert(connection.id)
            return .use(connection.id)
        }
        if budget.isDown(forNanoseconds: waitLimit, now: now) {
            isProbeWanted = true
            return .down
        }
        guard waiters.count < Self.maximumWaiters else { return .refuse }
        waiters.append((waiter, now + waitLimit))
        return .wait
    }

    /// How many attempts to connect to begin now.
    mutating func connectionsToOpen(now: UInt64) -> Int {
        let wanted = max(waiters.count, isProbeWanted ? 1 : 0)
        return wanted == 0 ? 0 : budget.begin(wanted: wanted, now: now)
    }

    mutating func opened(_ connection: ConnectionID, now: UInt64) -> Placement {
        budget.opened(now: now)
        isProbeWanted = false
        return place(connection, now: now)
    }

    mutating func openFailed(now: UInt64, random: Double) {
        budget.failed(now: now, random: random)
        isProbeWanted = false
    }

    mutating func giveBack(_ connection: ConnectionID, now: UInt64) -> Placement {
        leased.remove(connection)
        return place(connection, now: now)
    }

    private mutating func place(_ connection: ConnectionID, now: UInt64) -> Placement {
        if let waiter = waiters.popFirst() {
            leased.insert(connection)
            return .hand(to: waiter.id)
        }
        idle.append((connection, now))
        return .keep
    }

    mutating func closed(_ connection: ConnectionID) {
        leased.remove(connection)
        idle.removeAll { $0.id == connection }
        budget.closed()
    }

    /// The waiter gave up.
    mutating func withdraw(_ waiter: WaiterID) { waiters.removeAll { $0.id == waiter } }

    /// Those who have waited too long.
    mutating func expire(now: UInt64) -> [WaiterID] {
        var expired: [WaiterID] = []
        while let first = waiters.first, first.until <= now {
            _ = waiters.popFirst()
            expired.append(first.id)
        }
        return expired
    }

    /// Connections that nobody has used for long; one always stays.
    func idleToClose(now: UInt64) -> [ConnectionID] {
        guard budget.open > 1 else { return [] }
        return idle.filter { $0.since + idleLimit <= now }.prefix(budget.open - 1).map(\.id)
    }
}
