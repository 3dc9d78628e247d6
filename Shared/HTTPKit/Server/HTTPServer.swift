import CMicrohttpd
import Glibc
package import Kernel
import Synchronization

/// An HTTP/1.1 server over a router.
///
/// A few threads of the library read, write and start handlers; a handler runs on its connection's
/// thread until it first suspends, so it must not block. Whoever starts a server must drain it.
package final class HTTPServer: Sendable {
    private enum Phase {
        case fresh
        case running(Daemon)
        case stopped
    }

    private let core: ServerCore
    private let phase = Mutex(Phase.fresh)

    /// A server that does not listen yet.
    package init(
        router: Router, configuration: HTTPServerConfiguration = HTTPServerConfiguration(),
        world: World
    ) {
        core = ServerCore(router: router, configuration: configuration, world: world)
    }

    /// Listens and serves. Returns the port, which matters when the configured one is 0.
    ///
    /// Throws when the address cannot be had or the server was started before.
    package func start() throws(HTTPServerError) -> UInt16 {
        let isFresh = phase.withLock { if case .fresh = $0 { true } else { false } }
        guard isFresh else {
            throw HTTPServerError(
                code: .alreadyStarted, description: "The server was started before.")
        }
        let socket = try ListeningSocket(
            host: core.configuration.host, port: core.configuration.port)
        guard let daemon = Daemon(core, socket) else {
            close(socket.descriptor)
            throw HTTPServerError(
                code: .cannotListen, description: "The HTTP library cannot start its thread.")
        }
        phase.withLock { $0 = .running(daemon) }
        let isSwept = DedicatedThread.start { [core] in
            while !core.isStopping.load(ordering: .acquiring) {
                core.sweep()
                usleep(250_000)
            }
        }
        // Without it slow peers would live for ever; a machine out of threads serves nobody.
        precondition(isSwept, "The system gives no more threads.")
        return socket.port
    }

    /// Open connections.
    package var connectionCount: Int { core.connections.count }

    /// Stops listening, lets requests finish and then closes everything.
    ///
    /// Streams without an end are ended at once. What is not done within the given time is answered
    /// with 503 `shutting_down` or cut. A second call does nothing.
    package func drain(within limit: Duration) async {
        let daemon = phase.withLock { phase -> Daemon? in
            defer { phase = .stopped }
            if case .running(let daemon) = phase { return daemon }
            return nil
        }
        guard let daemon else { return }
        core.isDraining.store(true, ordering: .releasing)
        daemon.stopListening()
        core.webSockets.closeAll()
        for exchange in core.connections.exchanges { exchange.endStream(forGood: false) }
        core.connections.endIdle()
        await waitForSilence(ContinuousClock.now + limit)
        for exchange in core.connections.exchanges {
            exchange.abandon(.shuttingDown)
            exchange.endStream(forGood: true)
        }
        core.webSockets.cutAll()
        await waitForSilence(ContinuousClock.now + .milliseconds(500))
        core.isStopping.store(true, ordering: .releasing)
        for exchange in core.connections.exchanges {
            exchange.abandon(.shuttingDown)
            exchange.endStream(forGood: true)
        }
        core.webSockets.stop()
        await DedicatedThread.run { daemon.stop() }
    }

    /// Waits until no request is read or answered.
    private func waitForSilence(_ deadline: ContinuousClock.Instant) async {
        while !core.connections.exchanges.isEmpty, ContinuousClock.now < deadline {
            do {
                try await Task.sleep(for: .milliseconds(10))
            } catch {
                return
            }
            core.connections.endIdle()
        }
    }
}

/// The library's daemon.
private struct Daemon: Sendable {
    private let pointer: DaemonPointer
    private let core: ServerCore

    init?(_ core: ServerCore, _ socket: ListeningSocket) {
        var options = unsafe microhttpd_shim_options()
        unsafe options.handle = handleRequest
        unsafe options.completed = requestCompleted
        unsafe options.connection_changed = connectionChanged
        unsafe options.target_seen = targetSeen
        unsafe options.closure = Unmanaged.passUnretained(core).toOpaque()
        unsafe options.listening_socket = socket.descriptor
        unsafe options.threads = UInt32(clamping: core.configuration.threads)
        unsafe options.connection_limit = UInt32(clamping: core.configuration.connectionLimit)
        let stalled = core.configuration.stalledStreamLimit.components.seconds
        unsafe options.inactivity_seconds = UInt32(clamping: max(1, stalled))
        unsafe options.connection_memory_bytes = 32 << 10
        guard let pointer = unsafe microhttpd_shim_start(&options) else { return nil }
        self.pointer = unsafe DaemonPointer(pointer: pointer)
        self.core = core
    }

    func stopListening() {
        let descriptor = unsafe MHD_quiesce_daemon(pointer.pointer)
        if descriptor >= 0 { close(descriptor) }
    }

    /// Blocks until the library's thread has ended. Nothing may be suspended.
    func stop() { unsafe MHD_stop_daemon(pointer.pointer) }
}

@safe private struct DaemonPointer: @unchecked Sendable {
    let pointer: OpaquePointer
}
