import CMicrohttpd
import CWslay
import Glibc
import Kernel
import Synchronization

/// Every open WebSocket of a server, and the one thread that reads and writes them.
final class WebSocketHub: Sendable {
    private enum Command {
        case add(WebSocketSession, UpgradedConnection)
        case work(UInt64)
        case closeAll(WebSocketCloseCode)
        case cutAll
        case stop
    }

    private struct State {
        var commands: [Command] = []
        var isRunning = false
        /// Whether the thread will look at `commands` without being woken.
        var isAwake = false
        var nextID: UInt64 = 1
        var places = 0
        var isClosed = false
    }

    private static let bellID: UInt64 = 0
    private static let tickMilliseconds: Int32 = 250

    private let limit: Int
    private let poll: Int32
    private let bell: Int32
    private let state = Mutex(State())
    private let openSockets: Gauge

    init(limit: Int, metrics: Metrics) {
        self.limit = limit
        poll = epoll_create1(Int32(EPOLL_CLOEXEC))
        bell = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        precondition(poll >= 0 && bell >= 0, "No file descriptors left.")
        openSockets = metrics.gauge("grapevine_websockets", help: "Open WebSockets.")
        watch(bell, Self.bellID, EPOLLIN.rawValue, EPOLL_CTL_ADD)
    }

    deinit {
        close(poll)
        close(bell)
    }

    // MARK: - From any thread

    /// A place for one more socket, kept as long as the result lives; nil when all are taken.
    func reserve() -> WebSocketPlace? {
        let isFree = state.withLock { state in
            guard !state.isClosed, state.places < limit else { return false }
            state.places += 1
            return true
        }
        return isFree ? WebSocketPlace(hub: self) : nil
    }

    fileprivate func release() { state.withLock { $0.places -= 1 } }

    /// Takes an upgraded connection over and runs its handler.
    func open(
        _ upgrade: WebSocketUpgrade, on connection: UpgradedConnection, early: [UInt8]
    ) {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        let socket = WebSocket(
            subprotocol: upgrade.subprotocol, options: upgrade.options,
            wake: { [weak self] in self?.post(.work(id)) })
        let session = WebSocketSession(
            id: id, descriptor: connection.descriptor, socket: socket, early: early)
        openSockets.add(1)
        connection.start(upgrade, socket)
        startThread()
        post(.add(session, connection))
        // It was on its way while the others were closed. Not asked before it is among them.
        if state.withLock({ $0.isClosed }) { socket.close(.goingAway) }
    }

    /// No more sockets; those that are open get a close frame.
    func closeAll() {
        state.withLock { $0.isClosed = true }
        post(.closeAll(.goingAway))
    }

    /// Ends what is still open, without ado.
    func cutAll() { post(.cutAll) }

    /// Ends the thread. Nothing may be open.
    func stop() { post(.stop) }

    private func post(_ command: Command) {
        let mustWake = state.withLock { state in
            guard state.isRunning else { return false }
            state.commands.append(command)
            defer { state.isAwake = true }
            return !state.isAwake
        }
        if mustWake { eventfd_write(bell, 1) }
    }

    private func startThread() {
        let isFirst = state.withLock { state in
            defer { state.isRunning = true }
            return !state.isRunning
        }
        guard isFirst else { return }
        let isStarted = DedicatedThread.start { self.run() }
        precondition(isStarted, "The system gives no more threads.")
    }

    // MARK: - On the thread

    private final class Entry {
        let session: WebSocketSession
        let connection: UpgradedConnection
        var interest: UInt32

        init(_ session: WebSocketSession, _ connection: UpgradedConnection) {
            self.session = session
            self.connection = connection
            interest = 0
        }
    }

    private func run() {
        var entries: [UInt64: Entry] = [:]
        var nextTick = Int64(0)
        while true {
            let (ready, commands) = wait(hasSockets: !entries.isEmpty)
            let now = Monotonic.now()
            for (id, events) in ready { advance(id, events, &entries, now) }
            for command in commands {
                switch command {
                case .add(let session, let connection):
                    entries[session.id] = Entry(session, connection)
                    watch(session.descriptor, session.id, 0, EPOLL_CTL_ADD)
                    advance(session.id, 0, &entries, now)
                case .work(let id): advance(id, 0, &entries, now)
                case .closeAll(let code):
                    for entry in entries.values { entry.session.socket.close(code) }
                case .cutAll:
                    for entry in Array(entries.values) { end(entry, &entries) }
                case .stop:
                    for entry in Array(entries.values) { end(entry, &entries) }
                    return
                }
            }
            guard now >= nextTick else { continue }
            nextTick = now + Int64(Self.tickMilliseconds) * 1_000_000
            for entry in Array(entries.values) {
                if entry.session.tick(now) {
                    advance(entry.session.id, 0, &entries, now)
                } else {
                    end(entry, &entries)
                }
            }
        }
    }

    private func advance(
        _ id: UInt64, _ events: UInt32, _ entries: inout [UInt64: Entry], _ now: Int64
    ) {
        guard let entry = entries[id] else { return }
        switch entry.session.work(now) {
        case .over: return end(entry, &entries)
        case .hasMore: post(.work(id))
        case .waits: break
        }
        // A peer that is gone for good is reported whatever we wait for.
        if events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 { return end(entry, &entries) }
        let interest = entry.session.interest
        guard interest != entry.interest else { return }
        entry.interest = interest
        watch(entry.session.descriptor, id, interest, EPOLL_CTL_MOD)
    }

    private func end(_ entry: Entry, _ entries: inout [UInt64: Entry]) {
        entries[entry.session.id] = nil
        watch(entry.session.descriptor, entry.session.id, 0, EPOLL_CTL_DEL)
        openSockets.add(-1)
        entry.session.socket.finish(entry.session.outcome)
        entry.connection.end(entry.session.outcome)
    }

    private func wait(hasSockets: Bool) -> ([(UInt64, UInt32)], [Command]) {
        let mayBlock = state.withLock { state in
            state.isAwake = !state.commands.isEmpty
            return !state.isAwake
        }
        let milliseconds = mayBlock ? (hasSockets ? Self.tickMilliseconds : -1) : 0
        return unsafe withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 64) { events in
            let count = unsafe epoll_wait(poll, events.baseAddress, 64, milliseconds)
            var ready: [(UInt64, UInt32)] = []
            for index in 0..<Int(max(count, 0)) {
                let event = unsafe events[index]
                if unsafe event.data.u64 == Self.bellID {
                    var value: eventfd_t = 0
                    _ = unsafe eventfd_read(bell, &value)
                } else {
                    unsafe ready.append((event.data.u64, event.events))
                }
            }
            let commands = state.withLock { state in
                state.isAwake = true
                defer { state.commands = [] }
                return state.commands
            }
            return (ready, commands)
        }
    }

    private func watch(_ descriptor: Int32, _ id: UInt64, _ events: UInt32, _ operation: Int32) {
        var event = unsafe epoll_event()
        unsafe event.events = events
        unsafe event.data.u64 = id
        unsafe epoll_ctl(poll, operation, descriptor, &event)
    }
}

/// One of the hub's places.
final class WebSocketPlace: Sendable {
    private let hub: WebSocketHub

    fileprivate init(hub: WebSocketHub) { self.hub = hub }

    deinit { hub.release() }
}
