import CMicrohttpd
import CWslay
import Glibc
import Kernel
import Synchronization

/// A connection that the library has handed over, until it is given back.
@safe final class UpgradedConnection: @unchecked Sendable {
    let descriptor: Int32
    private let handle: OpaquePointer
    private let exchange: Exchange
    /// Given up with the connection.
    private let place: WebSocketPlace
    private let startedAt = Monotonic.now()
    private let task = Mutex<Task<Void, Never>?>(nil)

    fileprivate init(
        descriptor: Int32, handle: OpaquePointer, exchange: Exchange, place: WebSocketPlace
    ) {
        self.descriptor = descriptor
        unsafe self.handle = unsafe handle
        self.exchange = exchange
        self.place = place
        // The library holds small writes back; a message must not wait for the next one.
        var (off, on): (Int32, Int32) = (0, 1)
        let size = socklen_t(MemoryLayout<Int32>.size)
        unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_CORK, &off, size)
        unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, size)
    }

    /// Runs the handler.
    func start(_ upgrade: WebSocketUpgrade, _ socket: WebSocket) {
        let exchange = exchange
        let started = Task {
            if let error = await upgrade.run(socket) { exchange.socketFailed(error) }
        }
        task.withLock { $0 = started }
    }

    /// Cancels the handler and gives the connection back, which closes it. Once.
    func end(_ outcome: WebSocketClosure) {
        task.withLock { $0.take() }?.cancel()
        exchange.socketEnded(outcome, nanoseconds: Monotonic.now() - startedAt)
        unsafe microhttpd_shim_close_upgraded(handle)
    }
}

/// Called by the library after it has sent the answer 101.
func connectionUpgraded(
    closure: UnsafeMutableRawPointer?, connection: OpaquePointer?,
    context: UnsafeMutableRawPointer?, early: UnsafePointer<CChar>?, earlySize: Int,
    descriptor: Int32, handle: OpaquePointer?
) {
    guard let context = unsafe context, let handle = unsafe handle else { return }
    let exchange = unsafe Unmanaged<Exchange>.fromOpaque(context).takeUnretainedValue()
    let bytes = unsafe Array(UnsafeRawBufferPointer(start: early, count: earlySize))
    guard let (upgrade, place) = exchange.beginUpgrade() else {
        unsafe microhttpd_shim_close_upgraded(handle)
        return
    }
    let upgraded = unsafe UpgradedConnection(
        descriptor: descriptor, handle: handle, exchange: exchange, place: place)
    exchange.core.webSockets.open(upgrade, on: upgraded, early: bytes)
}

extension Exchange {
    /// The handshake is answered: counts the request, and lets its connection live for ever.
    fileprivate func beginUpgrade() -> (WebSocketUpgrade, WebSocketPlace)? {
        connection.deadline.store(Monotonic.never, ordering: .relaxed)
        let upgrade = state.withLock { state in
            state.isUpgraded = true
            return state.upgrade.take()
        }
        guard let upgrade, let place = upgrade.place.withLock({ $0.take() }) else { return nil }
        report(
            ExchangeOutcome(
                status: 101, nanoseconds: Monotonic.now() - startedAt, receivedBytes: 0,
                sentBytes: 0, isWhole: true))
        return (upgrade, place)
    }

    fileprivate func socketEnded(_ outcome: WebSocketClosure, nanoseconds: Int64) {
        core.socketCloses(outcome.code).increment()
        guard core.configuration.logsAccess else { return }
        core.world.telemetry.logger.log(.info, "websocket closed") { line in
            line.add("audience", plan.route?.audience ?? "none")
            line.add("route", plan.route?.template ?? "unmatched")
            line.add("close_code", Int(outcome.code.value))
            line.add("by_peer", .boolean(outcome.isByPeer))
            line.add("duration_milliseconds", Int(nanoseconds / 1_000_000))
            line.add("request_id", identity.requestID)
            line.add("trace_id", identity.trace.traceID)
        }
    }

    fileprivate func socketFailed(_ error: any Error) {
        core.world.telemetry.logger.error(
            "websocket failed",
            [
                ("request_id", .text(identity.requestID)),
                ("trace_id", .text(identity.trace.traceID)),
                ("route", .text(plan.route?.template ?? "unmatched")),
                ("error", .text(String(describing: error))),
            ])
    }
}
