internal import CLibpq
import Glibc
import Kernel
import Synchronization

/// The one thread of the process that waits for PostgreSQL: reads whatever arrives on any
/// connection, runs the tasks that prefer to go on where their answer arrived, sends what callers
/// left to it, and keeps time for deadlines.
final class Reactor: Sendable {
    static let shared = Reactor()

    /// How often deadlines are looked at.
    private static let tickNanoseconds: UInt64 = 100_000_000
    private static let wakeIdentifier: UInt64 = 0

    private struct State {
        var connections: [UInt64: Connection] = [:]
        var tickers: [ObjectIdentifier: any Ticking] = [:]
        var nextIdentifier: UInt64 = 1
        /// Connections with something to send.
        var due: [Connection] = []
        /// Whether the thread will look at `due` without being woken.
        var isAwake = true
    }

    private let poll: Int32
    private let wakeDescriptor: Int32
    private let state = Mutex(State())

    private init() {
        poll = epoll_create1(Int32(EPOLL_CLOEXEC))
        wakeDescriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        precondition(poll >= 0 && wakeDescriptor >= 0, "No file descriptors left.")
        control(EPOLL_CTL_ADD, wakeDescriptor, Self.wakeIdentifier, EPOLLIN.rawValue)
        let started = DedicatedThread.start { Self.shared.run() }
        precondition(started, "No threads left.")
    }

    func nextIdentifier() -> UInt64 {
        state.withLock { state in
            state.nextIdentifier += 1
            return state.nextIdentifier - 1
        }
    }

    /// From now on the connection is read.
    func add(_ connection: Connection, descriptor: Int32) {
        state.withLock { $0.connections[connection.identifier] = connection }
        control(EPOLL_CTL_ADD, descriptor, connection.identifier, EPOLLIN.rawValue)
    }

    /// Call before the descriptor is closed.
    func remove(_ connection: Connection, descriptor: Int32) {
        control(EPOLL_CTL_DEL, descriptor, connection.identifier, 0)
        state.withLock { _ = $0.connections.removeValue(forKey: connection.identifier) }
    }

    /// Whether to tell the connection also when it can send.
    func watchWriting(_ connection: Connection, descriptor: Int32, _ isWanted: Bool) {
        let events = EPOLLIN.rawValue | (isWanted ? EPOLLOUT.rawValue : 0)
        control(EPOLL_CTL_MOD, descriptor, connection.identifier, events)
    }

    /// Has the connection send what waits, soon, on the reactor's thread.
    func schedule(_ connection: Connection) {
        let mustWake = state.withLock { state in
            state.due.append(connection)
            defer { state.isAwake = true }
            return !state.isAwake
        }
        if mustWake { eventfd_write(wakeDescriptor, 1) }
    }

    func add(_ ticker: any Ticking) {
        state.withLock { $0.tickers[ObjectIdentifier(ticker)] = ticker }
    }

    func remove(_ ticker: any Ticking) {
        state.withLock { _ = $0.tickers.removeValue(forKey: ObjectIdentifier(ticker)) }
    }

    // MARK: The thread

    private func run() {
        var nextTick = Monotonic.now() + Self.tickNanoseconds
        let batch = ContinuationBatch()
        while true {
            let ready = wait(until: nextTick)
            batch.deliver {
                for (connection, events) in ready {
                    connection.handle(
                        canRead: events & ~EPOLLOUT.rawValue != 0,
                        canWrite: events & EPOLLOUT.rawValue != 0)
                }
            }
            // Last, so that what those asked who had their answers goes out with it.
            for connection in takeDue() { connection.sendWaiting() }
            let now = Monotonic.now()
            guard now >= nextTick else { continue }
            nextTick = now + Self.tickNanoseconds
            tick(now)
        }
    }

    private func takeDue() -> [Connection] {
        state.withLock { state in
            var due: [Connection] = []
            swap(&due, &state.due)
            return due
        }
    }

    private func wait(until tick: UInt64) -> [(Connection, UInt32)] {
        let mayBlock = state.withLock { state in
            state.isAwake = !state.due.isEmpty
            return !state.isAwake
        }
        let now = Monotonic.now()
        let milliseconds = mayBlock && tick > now ? Int32((tick - now) / 1_000_000 + 1) : 0
        return unsafe withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 64) { events in
            let count = unsafe epoll_wait(poll, events.baseAddress, 64, milliseconds)
            return state.withLock { state in
                state.isAwake = true
                var ready: [(Connection, UInt32)] = []
                for index in 0..<Int(max(count, 0)) {
                    let event = unsafe events[index]
                    let identifier = unsafe event.data.u64
                    if identifier == Self.wakeIdentifier {
                        var value: eventfd_t = 0
                        unsafe eventfd_read(wakeDescriptor, &value)
                    } else if let connection = state.connections[identifier] {
                        unsafe ready.append((connection, event.events))
                    }
                }
                return ready
            }
        }
    }

    private func tick(_ now: UInt64) {
        let (connections, tickers) = state.withLock {
            (Array($0.connections.values), Array($0.tickers.values))
        }
        for connection in connections { connection.tick(now) }
        for ticker in tickers { ticker.tick(now) }
    }

    private func control(
        _ operation: Int32, _ descriptor: Int32, _ identifier: UInt64, _ events: UInt32
    ) {
        var event = unsafe epoll_event()
        unsafe event.events = events
        unsafe event.data.u64 = identifier
        unsafe epoll_ctl(poll, operation, descriptor, &event)
    }
}

/// Looks at its deadlines about ten times a second, on the reactor's thread; must not block.
protocol Ticking: AnyObject, Sendable {
    func tick(_ now: UInt64)
}
