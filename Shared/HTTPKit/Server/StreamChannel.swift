import CMicrohttpd
import Synchronization

/// Carries a streamed body from its producer's task to the library's thread, with back-pressure.
final class StreamChannel: Sendable {
    /// A producer waits while more than this is unread.
    static let limitBytes = 64 << 10

    private enum End { case whole, broken }

    private struct State {
        var buffer: [UInt8] = []
        var position = 0
        var end: End?
        /// The library dropped the response; nobody will read.
        var isDead = false
        /// The library waits for us.
        var isParked = false
        /// No more suspending: the daemon is about to stop.
        var isStopping = false
        var writer: CheckedContinuation<Void, Never>?
        var task: Task<Void, Never>?
        var hasStarted = false

        var unread: Int { buffer.count - position }
    }

    private let connection: MHDConnection
    private let stream: HTTPBodyStream
    /// Whether the body has no natural end, so that a drain may end it.
    let isEndless: Bool
    private let state = Mutex(State())

    init(_ stream: HTTPBodyStream, connection: MHDConnection, isEndless: Bool) {
        self.stream = stream
        self.connection = connection
        self.isEndless = isEndless
    }

    // MARK: - The library's side

    /// Copies what is there, or suspends the connection. Only on the library's thread.
    func read(into target: UnsafeMutableRawBufferPointer) -> Int {
        var writer: CheckedContinuation<Void, Never>?
        let count = state.withLock { state -> Int in
            startProducer(&state)
            let count = min(state.unread, target.count)
            if count > 0 {
                unsafe state.buffer.withUnsafeBytes { bytes in
                    let part = unsafe UnsafeRawBufferPointer(
                        rebasing: bytes[state.position..<state.position + count])
                    unsafe target.copyMemory(from: part)
                }
                state.position += count
                if state.unread == 0 {
                    state.buffer.removeAll(keepingCapacity: true)
                    state.position = 0
                } else if state.position > Self.limitBytes {
                    state.buffer.removeSubrange(..<state.position)
                    state.position = 0
                }
                if state.unread <= Self.limitBytes { writer = state.writer.take() }
                return count
            }
            if let end = state.end { return end == .whole ? -1 : -2 }
            if state.isStopping { return isEndless ? -1 : -2 }
            state.isParked = true
            connection.suspend()
            return 0
        }
        writer?.resume()
        return count
    }

    /// The library no longer needs the response.
    func die() {
        let (writer, task) = state.withLock { state in
            state.isDead = true
            return (state.writer.take(), state.task.take())
        }
        task?.cancel()
        writer?.resume()
    }

    private func startProducer(_ state: inout sending State) {
        guard !state.hasStarted else { return }
        state.hasStarted = true
        state.task = Task { await self.produce() }
    }

    // MARK: - The producer's side

    private func produce() async {
        do {
            try await stream.produce(HTTPBodyWriter { try await self.write($0) })
            finish(.whole)
        } catch {
            finish(isEndless && error is CancellationError ? .whole : .broken)
        }
    }

    private func write(_ bytes: [UInt8]) async throws {
        try Task.checkCancellation()
        let isParked = state.withLock { state -> Bool? in
            guard !state.isDead, !state.isStopping else { return nil }
            state.buffer.append(contentsOf: bytes)
            return Self.unpark(&state)
        }
        guard let isParked else { throw CancellationError() }
        if isParked { connection.resume() }
        try await waitForRoom()
    }

    private func waitForRoom() async throws {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = state.withLock { state in
                    guard state.unread > Self.limitBytes, !state.isDead, !state.isStopping,
                        !Task.isCancelled
                    else { return false }
                    state.writer = continuation
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.writer.take() }?.resume()
        }
        guard !state.withLock({ $0.isDead || $0.isStopping }) else { throw CancellationError() }
        try Task.checkCancellation()
    }

    private func finish(_ end: End) {
        let isParked = state.withLock { state in
            state.end = end
            return Self.unpark(&state)
        }
        if isParked { connection.resume() }
    }

    // MARK: - The server's side

    /// Asks the producer to end.
    func cancel() {
        state.withLock { $0.task }?.cancel()
    }

    /// Ends the body whatever the producer does; afterwards nothing suspends any more.
    func stop() {
        let (writer, task, isParked) = state.withLock { state in
            state.isStopping = true
            return (state.writer.take(), state.task.take(), Self.unpark(&state))
        }
        task?.cancel()
        writer?.resume()
        if isParked { connection.resume() }
    }

    /// Whether the connection was parked and is to be resumed, after the lock. A dead one never is.
    private static func unpark(_ state: inout State) -> Bool {
        defer { state.isParked = false }
        return state.isParked && !state.isDead
    }
}

/// Called by the library when it can send more.
func readStream(
    closure: UnsafeMutableRawPointer?, position: UInt64, target: UnsafeMutablePointer<CChar>?,
    capacity: Int
) -> Int {
    guard let closure = unsafe closure, let target = unsafe target else { return -2 }
    let channel = unsafe Unmanaged<StreamChannel>.fromOpaque(closure).takeUnretainedValue()
    return unsafe channel.read(
        into: UnsafeMutableRawBufferPointer(start: target, count: capacity))
}

/// Called by the library when it drops a streamed response.
func freeStream(closure: UnsafeMutableRawPointer?) {
    guard let closure = unsafe closure else { return }
    unsafe Unmanaged<StreamChannel>.fromOpaque(closure).takeRetainedValue().die()
}
