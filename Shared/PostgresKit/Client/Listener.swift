internal import Kernel
import Synchronization

/// One connection that listens for everybody; listens anew after it was lost.
final class Listener: ConnectionOwner, Ticking {
    private typealias Stream = AsyncStream<PostgresNotification>.Continuation

    private struct State {
        var channels: [String: [UInt64: Stream]] = [:]
        /// Streams that have been told that they listen.
        var told: Set<UInt64> = []
        /// Those of them whose connection was lost since.
        var interrupted: Set<UInt64> = []
        var nextStream: UInt64 = 1
        var connection: Connection?
        var budget: ConnectBudget
        var isClosed = false
    }

    private let connector: Connector
    private let deadline: UInt64
    private let state: Mutex<State>

    init(_ configuration: PostgresConfiguration, logger: Logger, sighting: Sighting) {
        state = Mutex(State(budget: ConnectBudget(limit: 1, sighting: sighting)))
        connector = Connector(
            configuration: configuration, lockTimeout: configuration.lockTimeout, logger: logger)
        deadline = configuration.statementTimeout.nanoseconds
    }

    func listen(_ channel: String) -> AsyncStream<PostgresNotification> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: PostgresNotification.self, bufferingPolicy: .bufferingNewest(256))
        let (identifier, connection) = state.withLock { state -> (UInt64, Connection?) in
            let identifier = state.nextStream
            state.nextStream += 1
            if !state.isClosed { state.channels[channel, default: [:]][identifier] = continuation }
            return (identifier, state.connection)
        }
        continuation.onTermination = { [weak self] _ in self?.leave(channel, identifier) }
        if state.withLock({ $0.isClosed }) { continuation.finish() }
        if let connection { subscribe([channel], on: connection) } else { openIfWanted() }
        return stream
    }

    private func leave(_ channel: String, _ identifier: UInt64) {
        let connection = state.withLock { state -> Connection? in
            state.channels[channel]?[identifier] = nil
            state.interrupted.remove(identifier)
            state.told.remove(identifier)
            guard state.channels[channel]?.isEmpty == true else { return nil }
            state.channels[channel] = nil
            return state.connection
        }
        guard let connection else { return }
        _ = submit(["unlisten \(identifier: channel)"], on: connection)
    }

    private func submit(_ statements: [SQL], on connection: Connection) -> Submission {
        let submission = Submission(
            .statements(statements), deadline: Monotonic.now() + deadline)
        if !connection.submit(submission, isInline: true) {
            submission.finish(.failure(PostgresError(.unavailable, "the connection was lost")))
        }
        return submission
    }

    private func subscribe(_ channels: [String], on connection: Connection) {
        let submission = submit(
            channels.map { "listen \(identifier: $0)" }, on: connection)
        Task {
            switch await submission.outcome() {
            case .success: confirm(channels, on: connection)
            // Closing leads to a new connection, and there to another attempt.
            case .failure: connection.close()
            }
        }
    }

    /// Tells those who were not told on this connection yet.
    private func confirm(_ channels: [String], on connection: Connection) {
        let news = state.withLock { state -> [(Stream, PostgresNotification)] in
            guard state.connection === connection else { return [] }
            var news: [(Stream, PostgresNotification)] = []
            for channel in channels {
                for (identifier, stream) in state.channels[channel] ?? [:] {
                    if state.told.insert(identifier).inserted {
                        news.append((stream, .listening))
                    } else if state.interrupted.remove(identifier) != nil {
                        news.append((stream, .reconnected))
                    }
                }
            }
            return news
        }
        for (stream, notification) in news { stream.yield(notification) }
    }

    private func openIfWanted() {
        let count = state.withLock { state in
            state.isClosed || state.channels.isEmpty
                ? 0 : state.budget.begin(wanted: 1, now: Monotonic.now())
        }
        for _ in 0..<count { connector.begin(for: self) }
    }

    // MARK: What the connection tells

    func connectionOpened(_ connection: Connection) {
        let (channels, isUnwanted) = state.withLock { state -> ([String], Bool) in
            if state.isClosed { return ([], true) }
            guard connection.isOpen else {
                state.budget.failed(now: Monotonic.now(), random: .random(in: 0...1))
                return ([], false)
            }
            state.budget.opened(now: Monotonic.now())
            state.connection = connection
            return (Array(state.channels.keys), false)
        }
        if isUnwanted { return connection.close() }
        if !channels.isEmpty { subscribe(channels, on: connection) }
    }

    func connectionFailed(_ error: PostgresError) {
        state.withLock { state in
            state.budget.failed(now: Monotonic.now(), random: .random(in: 0...1))
        }
    }

    func connectionClosed(_ connection: Connection, unsent: [Submission]) {
        state.withLock { state in
            guard state.connection === connection else { return }
            state.connection = nil
            state.budget.closed()
            state.interrupted = state.told
        }
        for submission in unsent {
            submission.finish(.failure(PostgresError(.unavailable, "the connection was lost")))
        }
        openIfWanted()
    }

    func connectionNotified(channel: String, payload: String) {
        let streams = state.withLock { Array(($0.channels[channel] ?? [:]).values) }
        for stream in streams { stream.yield(.message(payload: payload)) }
    }

    func deadlinePassed(_ submission: Submission, on connection: Connection) {
        connection.close()
    }

    // MARK: Time and the end

    func tick(_ now: UInt64) {
        let (isMissing, idle) = state.withLock { state -> (Bool, Connection?) in
            (state.connection == nil, state.channels.isEmpty ? state.connection : nil)
        }
        idle?.close()
        if isMissing { openIfWanted() }
    }

    func close() {
        let (streams, connection) = state.withLock { state -> ([Stream], Connection?) in
            state.isClosed = true
            defer { state.channels = [:] }
            return (state.channels.values.flatMap(\.values), state.connection)
        }
        for stream in streams { stream.finish() }
        connection?.close()
    }
}
