import Kernel
import Synchronization

/// All pattern subscriptions of a client, over one connection on its own thread.
///
/// The table says what should be subscribed; the thread makes the server agree. It starts with the
/// first subscription.
final class Subscriber: Sendable {
    private struct State {
        var table = SubscriptionTable()
        var hasStarted = false
        var isStopped = false
    }

    let configuration: RedisConfiguration
    let logger: Logger
    let doorbell = Doorbell()
    /// Opens when the thread has ended, or can no longer start.
    let ended = Latch()
    let up: Gauge
    private let dropped: Counter
    private let state = Mutex(State())

    init(_ configuration: RedisConfiguration, telemetry: Telemetry) {
        self.configuration = configuration
        logger = telemetry.logger
        up = telemetry.metrics.gauge(
            "grapevine_redis_subscriber_up", help: "1 while the Redis subscriber is connected.")
        dropped = telemetry.metrics.counter(
            "grapevine_redis_signals_dropped_total",
            help: "Pub/sub signals that a slow reader lost.")
    }

    func subscribe(_ pattern: String) -> AsyncStream<RedisSignal> {
        let (stream, listener) = AsyncStream.makeStream(
            of: RedisSignal.self,
            bufferingPolicy: .bufferingNewest(configuration.subscriptionBufferSignals))
        var mustStart = false
        let id = state.withLock { state -> Int? in
            guard !state.isStopped else { return nil }
            mustStart = !state.hasStarted
            state.hasStarted = true
            return state.table.add(pattern, listener)
        }
        guard let id else {
            listener.finish()
            return stream
        }
        listener.onTermination = { [weak self] _ in self?.remove(id) }
        if mustStart { start() } else { doorbell.ring() }
        return stream
    }

    func stop() {
        let (listeners, hasThread) = state.withLock { state in
            state.isStopped = true
            return (state.table.removeAll(), state.hasStarted)
        }
        for listener in listeners { listener.finish() }
        if hasThread { doorbell.ring() } else { ended.open() }
    }

    private func start() {
        let started = DedicatedThread.start { [self] in
            let worker = SubscriberWorker(subscriber: self)
            worker.run()
            ended.open()
        }
        guard !started else { return }
        logger.error("redis subscriber thread could not start")
        stop()
        ended.open()
    }

    private func remove(_ id: Int) {
        state.withLock { $0.table.remove(id) }
        doorbell.ring()
    }
}

// MARK: - The thread's side

extension Subscriber {
    /// The patterns to have at the server; nil when it is time to end.
    func wanted() -> Set<String>? {
        state.withLock { $0.isStopped ? nil : $0.table.patterns }
    }

    func deliver(pattern: String, channel: String, payload: String) {
        let listeners = state.withLock { $0.table.listeners(of: pattern) }
        tell(listeners, .message(channel: channel, payload: payload))
    }

    func announceConfirmation(of pattern: String) {
        tell(state.withLock { $0.table.confirm(pattern) }, .subscribed)
    }

    func announceToLatecomers(of confirmed: Set<String>) {
        tell(state.withLock { $0.table.latecomers(to: confirmed) }, .subscribed)
    }

    func announceLoss() {
        tell(state.withLock { $0.table.disconnect() }, .disconnected)
    }

    private func tell(_ listeners: [SubscriptionTable.Listener], _ signal: RedisSignal) {
        for listener in listeners {
            guard case .dropped(let lost) = listener.yield(signal) else { continue }
            dropped.increment()
            // A reader that never learns of a reconnect would not re-read: say it again, last.
            if lost == .subscribed, signal != .disconnected { listener.yield(.subscribed) }
        }
    }
}
