import Synchronization

/// One open WebSocket, as its handler sees it. From any task.
///
/// A handler that only sends must read `messages` too: what is not read keeps the peer waiting, and
/// nobody would see it leave.
package final class WebSocket: Sendable {
    private struct Waiter {
        let id: Int
        let message: WebSocketMessage
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var outgoing = FIFO<WebSocketMessage>()
        var outgoingBytes = 0
        var waiters = FIFO<Waiter>()
        var nextWaiter = 0
        var incoming = FIFO<WebSocketMessage>()
        var incomingBytes = 0
        var reader: CheckedContinuation<WebSocketMessage?, Never>?
        /// What the handler or the server asked for.
        var closing: (code: WebSocketCloseCode, reason: String)?
        var closure: WebSocketClosure?
    }

    /// The subprotocol that was agreed on.
    package let subprotocol: String?
    let options: WebSocketOptions
    /// Tells the thread of the sockets that there is something to do.
    private let wake: @Sendable () -> Void
    private let state = Mutex(State())

    init(subprotocol: String?, options: WebSocketOptions, wake: @escaping @Sendable () -> Void) {
        self.subprotocol = subprotocol
        self.options = options
        self.wake = wake
    }

    // MARK: - For the handler

    /// How the socket ended; nil while it is open.
    package var closure: WebSocketClosure? { state.withLock { $0.closure } }

    /// Sends text; see `send(_:)`.
    package func send(text: String) async throws { try await send(.text(text)) }

    /// Hands a message over; waits while too much is not sent yet, in order.
    ///
    /// Returning says nothing about its arrival. Throws `WebSocketClosure` when the socket is
    /// closed or closing, and `CancellationError`.
    package func send(_ message: WebSocketMessage) async throws {
        try Task.checkCancellation()
        let isQueued = try state.withLock { state in
            try Self.checkOpen(state)
            guard state.waiters.isEmpty, hasRoom(for: message, state) else { return false }
            Self.queue(message, &state)
            return true
        }
        if isQueued { return wake() }
        try await waitToQueue(message)
    }

    /// Begins to close: what is queued is still sent, then the close frame. Later calls do nothing.
    package func close(_ code: WebSocketCloseCode = .normal, reason: String = "") {
        let waiters = state.withLock { state -> FIFO<Waiter> in
            guard state.closing == nil, state.closure == nil else { return FIFO() }
            state.closing = (code, reason)
            return state.waiters.removeAll()
        }
        waiters.forEach {
            $0.continuation.resume(throwing: WebSocketClosure(code: code, isByPeer: false))
        }
        wake()
    }

    /// What the peer sends, for one reader. Ends with the socket or when the task is cancelled.
    package var messages: Messages { Messages(socket: self) }

    /// The messages of a socket, in order.
    package struct Messages: AsyncSequence, AsyncIteratorProtocol {
        package typealias Element = WebSocketMessage
        package typealias Failure = Never
        fileprivate let socket: WebSocket

        /// Itself.
        package func makeAsyncIterator() -> Messages { self }
        /// The next message; nil at the end.
        package mutating func next() async -> WebSocketMessage? { await socket.receive() }
    }

    // MARK: - Waiting

    private func waitToQueue(_ message: WebSocketMessage) async throws {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome = state.withLock { state in
                    Result<Bool, any Error> {
                        try Self.checkOpen(state)
                        try Task.checkCancellation()
                        if state.waiters.isEmpty, hasRoom(for: message, state) {
                            Self.queue(message, &state)
                            return true
                        }
                        state.waiters.append(
                            Waiter(id: id, message: message, continuation: continuation))
                        return false
                    }
                }
                switch outcome {
                case .success(true):
                    continuation.resume()
                    wake()
                case .success(false): break
                case .failure(let error): continuation.resume(throwing: error)
                }
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiters.remove { $0.id == id } }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }

    private func receive() async -> WebSocketMessage? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (answer, mustWake) = state.withLock { state -> (WebSocketMessage??, Bool) in
                    if Task.isCancelled { return (.some(nil), false) }
                    if let message = state.incoming.popFirst() {
                        let wasFull = isFull(state)
                        state.incomingBytes -= message.byteCount
                        return (.some(message), wasFull && !isFull(state))
                    }
                    if state.closure != nil { return (.some(nil), false) }
                    precondition(state.reader == nil, "A socket's messages have one reader.")
                    state.reader = continuation
                    return (nil, false)
                }
                if let answer { continuation.resume(returning: answer) }
                if mustWake { wake() }
            }
        } onCancel: {
            state.withLock { $0.reader.take() }?.resume(returning: nil)
        }
    }

    private func hasRoom(for message: WebSocketMessage, _ state: State) -> Bool {
        state.outgoingBytes == 0
            || state.outgoingBytes + message.byteCount <= options.outgoingLimitBytes
    }

    private func isFull(_ state: State) -> Bool {
        // Every message costs something, also an empty one.
        state.incomingBytes + 64 * state.incoming.count >= options.incomingLimitBytes
    }

    private static func queue(_ message: WebSocketMessage, _ state: inout State) {
        state.outgoing.append(message)
        state.outgoingBytes += message.byteCount
    }

    private static func checkOpen(_ state: State) throws {
        if let closure = state.closure { throw closure }
        if let closing = state.closing {
            throw WebSocketClosure(code: closing.code, isByPeer: false)
        }
    }
}

// MARK: - For the thread of the sockets

extension WebSocket {
    /// The next message to put on the wire; lets in who waits for room.
    func takeOutgoing() -> WebSocketMessage? {
        var admitted: [CheckedContinuation<Void, any Error>] = []
        let message = state.withLock { state -> WebSocketMessage? in
            guard let message = state.outgoing.popFirst() else { return nil }
            state.outgoingBytes -= message.byteCount
            while let waiter = state.waiters.first, hasRoom(for: waiter.message, state) {
                _ = state.waiters.popFirst()
                Self.queue(waiter.message, &state)
                admitted.append(waiter.continuation)
            }
            return message
        }
        for continuation in admitted { continuation.resume() }
        return message
    }

    /// What was asked for by `close`.
    var closing: (code: WebSocketCloseCode, reason: String)? { state.withLock { $0.closing } }

    /// Whether the peer may send more.
    var acceptsIncoming: Bool { state.withLock { !isFull($0) } }

    /// Forgets what was not sent, since the peer takes nothing.
    func discardOutgoing() {
        state.withLock { state in
            state.outgoing = FIFO()
            state.outgoingBytes = 0
        }
    }

    /// A message came.
    func deliver(_ message: WebSocketMessage) {
        let reader = state.withLock { state -> CheckedContinuation<WebSocketMessage?, Never>? in
            if let reader = state.reader.take() { return reader }
            state.incoming.append(message)
            state.incomingBytes += message.byteCount
            return nil
        }
        reader?.resume(returning: message)
    }

    /// The socket is gone. Returns false when it was before.
    func finish(_ closure: WebSocketClosure) {
        let (reader, waiters) = state.withLock { state in
            state.closure = state.closure ?? closure
            state.outgoing = FIFO()
            return (state.reader.take(), state.waiters.removeAll())
        }
        reader?.resume(returning: nil)
        waiters.forEach { $0.continuation.resume(throwing: closure) }
    }
}
