import ClickHouseKit
import Contracts
import Kernel
import MessagingKit
import PostgresKit
import Synchronization

/// The numbers of the stream, and what readiness says of it.
final class StreamMetrics: Sendable {
    private struct Health {
        var lastSuccess: ContinuousClock.Instant?
        var failingSince: ContinuousClock.Instant?
        var contacts: [Int: ContinuousClock.Instant] = [:]
        var lags: [Int: Int] = [:]
        var positions: [Int: Int] = [:]
    }

    private let rows: Counter
    private let failures: Counter
    private let asked: Counter
    private let lost: Counter
    private let changed: Counter
    private let unreadable: Counter
    private let rebuilt: Counter
    /// Raised when hours were marked to be counted again.
    let marks = WakeSignal()
    private let metrics: Metrics
    private let logger: Logger
    private let health = Mutex(Health())

    init(_ telemetry: Telemetry) {
        metrics = telemetry.metrics
        logger = telemetry.logger
        rows = metrics.counter(
            "grapevine_stream_rows_total", help: "Events that ClickHouse was found to hold.")
        failures = metrics.counter(
            "grapevine_stream_failures_total",
            help: "Attempts to bring events into ClickHouse that failed and are made again.")
        asked = metrics.counter(
            "grapevine_stream_found_batches_total",
            help: "Batches in doubt that ClickHouse held already, so that they were not sent again."
        )
        lost = metrics.counter(
            "grapevine_stream_lost_events_total",
            help: "Events that the log had forgotten before they could be sent.")
        changed = metrics.counter(
            "grapevine_stream_changed_batches_total",
            help: "Batches that were read again and were not as they had been.")
        rebuilt = metrics.counter(
            "grapevine_stream_rebuilt_hours_total",
            help: "Hours of clients that were counted again from the events.")
        unreadable = metrics.counter(
            "grapevine_dead_letters_total",
            help: "Messages and events that could not take effect and were passed over.",
            [("direction", "in"), ("subscriber", EventStream.subscriber)])
    }

    func succeeded(rows count: Int) {
        guard count > 0 else { return }
        rows.increment(by: count)
        let wasFailing = health.withLock { health in
            defer { health.failingSince = nil }
            health.lastSuccess = .now
            return health.failingSince
        }
        if let wasFailing {
            logger.notice(
                "ClickHouse takes events again",
                [("seconds", .integer(Int(wasFailing.duration(to: .now).components.seconds)))])
        }
    }

    func failed(_ error: any Error) {
        failures.increment()
        let isNew = health.withLock { health in
            defer { health.failingSince = health.failingSince ?? .now }
            return health.failingSince == nil
        }
        logger.log(
            isNew ? .warning : .debug, "events could not be brought into ClickHouse; trying again",
            [("error", .text(Self.label(error)))])
    }

    func rebuilt(hours: Int) { rebuilt.increment(by: hours) }

    func found(batches: Int) { asked.increment(by: batches) }

    /// The log no longer has what a batch was cut from.
    func forgotten(_ count: Int, _ batch: StreamBatch) {
        lost.increment(by: count)
        logger.error(
            "the log had forgotten events before ClickHouse had them",
            [("shard", .integer(batch.shard)), ("events", .integer(count))])
    }

    /// A batch was read again and is another: the log was rewritten meanwhile.
    func differs(_ batch: StreamBatch) {
        changed.increment()
        logger.warning(
            "a batch was read again and had changed", [("shard", .integer(batch.shard))])
    }

    /// An event cannot be read; it is kept for people to look at.
    func putAside(_ position: LogPosition) {
        unreadable.increment()
        logger.error(
            "an event could not be read and was put aside",
            [("position", .text(position.description))])
    }

    /// A shard was read: where its cursor is, and where the log's head.
    func stands(at position: Int, head: Int, shard: Int) {
        lag(head - position, shard: shard)
        health.withLock { health in
            health.lags[shard] = head - position
            health.positions[shard] = position
            health.contacts[shard] = .now
        }
    }

    /// The log told how far each shard goes: a shard that is there is in contact, too.
    func contact(heads: [Int]) {
        health.withLock { health in
            for (shard, position) in health.positions
            where heads.indices.contains(shard) && heads[shard] <= position {
                health.contacts[shard] = .now
            }
        }
    }

    /// The shard is another replica's now.
    func left(shard: Int) {
        lag(0, shard: shard)
        health.withLock { health in
            health.contacts[shard] = nil
            health.lags[shard] = nil
            health.positions[shard] = nil
        }
    }

    private func lag(_ events: Int, shard: Int) {
        metrics.gauge(
            "grapevine_stream_lag_events",
            help: "Positions of the log that ClickHouse does not hold yet.",
            [("shard", String(shard))]
        ).set(events)
    }

    /// Events that wait, in the shards of this replica.
    var waiting: Int { health.withLock { $0.lags.values.reduce(0, +) } }

    /// Since when nothing could be brought into ClickHouse; nil while all is well.
    var failingFor: Duration? {
        health.withLock { $0.failingSince }.map { $0.duration(to: .now) }
    }

    /// The age of the last contact with the log, of the shard that waits longest; nil without one.
    var lastContact: Duration? {
        health.withLock { $0.contacts.values.min() }.map { $0.duration(to: .now) }
    }

    static func label(_ error: any Error) -> String {
        switch error {
        case let error as ClickHouseError: error.description
        case let error as PostgresError: error.description
        case LogError.unavailable(let reason, _): "the log is unavailable: \(reason)"
        case LogError.refused(let code, _): "the log refused: \(code)"
        case LogError.unreadable(let page): "event \(page.position) is unreadable: \(page.reason)"
        case let error as StreamError: "\(error)"
        default: String(describing: type(of: error))
        }
    }
}
