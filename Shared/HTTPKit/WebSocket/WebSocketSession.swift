import CWslay
import Glibc

/// The other half of a socket: its frames and its bytes.
///
/// Only on the sockets' thread, hence without a lock.
@safe final class WebSocketSession: @unchecked Sendable {
    /// Frames that wait for the kernel; beyond it the library is told to wait.
    private static let outputLimitBytes = 64 << 10
    /// Read at once; other sockets want their turn.
    private static let readBudgetBytes = 64 << 10
    /// Filled and flushed at once.
    private static let roundsAtOnce = 16

    let id: UInt64
    let descriptor: Int32
    let socket: WebSocket
    private let options: WebSocketOptions
    private var context: WslayContext?
    /// What came behind the handshake.
    private var early: [UInt8]
    private var earlyPosition = 0
    private var output: [UInt8] = []
    private var outputPosition = 0
    private var readBudget = 0
    /// The peer ended or reset the connection.
    private var isInputOver = false
    private var isBroken = false
    /// Our close frame is sent and nothing that comes matters; waits for the peer to end, since
    /// closing with unread bytes would take the frame from it.
    private var isLingering = false
    private var closure: WebSocketClosure?
    private var heardAt: Int64
    private var progressAt: Int64
    private var pingedAt: Int64?
    private var closingSince: Int64?

    init(id: UInt64, descriptor: Int32, socket: WebSocket, early: [UInt8]) {
        self.id = id
        self.descriptor = descriptor
        self.socket = socket
        self.early = early
        options = socket.options
        heardAt = Monotonic.now()
        progressAt = heardAt
        context = WslayContext(calling: self, maximumMessageBytes: options.maximumMessageBytes)
        isBroken = context == nil
    }

    /// How it ended.
    var outcome: WebSocketClosure {
        closure ?? WebSocketClosure(code: .abnormal, isByPeer: isInputOver)
    }

    /// What to wait for, in epoll's terms.
    var interest: UInt32 {
        let reads = isLingering || (context?.wantsToRead ?? false) && mayRead
        return (reads ? EPOLLIN.rawValue : 0) | (hasOutput ? EPOLLOUT.rawValue : 0)
    }

    private var hasOutput: Bool { outputPosition < output.count }
    private var mayRead: Bool {
        output.count - outputPosition < Self.outputLimitBytes && socket.acceptsIncoming
    }

    // MARK: - Work

    enum Progress { case waits, hasMore, over }

    /// Reads and sends what can be read and sent now.
    func work(_ now: Int64) -> Progress {
        guard let context, !isBroken else { return .over }
        if isLingering { return linger() ? .waits : .over }
        if context.wantsToRead, mayRead { readFrames(context) }
        var rounds = 0
        while !isBroken, fill(context, now) {
            flush()
            rounds += 1
            if hasOutput { break }
            if rounds == Self.roundsAtOnce { return .hasMore }
        }
        flush()
        if isBroken { return .over }
        return goesOn(context) ? .waits : .over
    }

    /// Looks at the deadlines. Returns whether the socket lives on.
    func tick(_ now: Int64) -> Bool {
        guard let context, !isBroken else { return false }
        if let closingSince {
            return now - closingSince < Monotonic.nanoseconds(options.closeDeadline)
        }
        if hasOutput, now - progressAt > Monotonic.nanoseconds(options.stallLimit) {
            socket.close(.policyViolation, reason: "too slow")
            socket.discardOutgoing()
            closingSince = now
            return true
        }
        guard mayRead else { return true }
        if let pingedAt {
            if heardAt >= pingedAt {
                self.pingedAt = nil
            } else if now - pingedAt > Monotonic.nanoseconds(options.pongDeadline) {
                return false
            }
        } else if now - heardAt > Monotonic.nanoseconds(options.pingInterval) {
            context.queuePing()
            pingedAt = now
        }
        return true
    }

    private func readFrames(_ context: WslayContext) {
        readBudget = Self.readBudgetBytes
        let isSound = context.receive()
        if isInputOver {
            isBroken = true
            return
        }
        if !isSound || (!context.wantsToRead && !context.hasReceivedClose) {
            // The library has queued the close frame that says what is wrong.
            closingSince = closingSince ?? Monotonic.now()
            closure = closure ?? WebSocketClosure(code: .protocolError, isByPeer: false)
        }
    }

    /// Turns messages into frames while there is room. Returns whether there is more to do.
    private func fill(_ context: WslayContext, _ now: Int64) -> Bool {
        while output.count < Self.outputLimitBytes {
            if !context.wantsToWrite, !context.hasSentClose {
                if let message = socket.takeOutgoing() {
                    context.queue(message)
                } else if let closing = socket.closing {
                    closingSince = closingSince ?? now
                    closure =
                        closure ?? WebSocketClosure(code: closing.code, isByPeer: false)
                    context.queueClose(closing.code, reason: closing.reason)
                }
            }
            guard context.wantsToWrite else { return false }
            if !hasOutput { progressAt = now }
            guard context.send() else {
                isBroken = true
                return false
            }
        }
        return true
    }

    private func flush() {
        while hasOutput {
            let count = unsafe output.withUnsafeBytes { bytes in
                unsafe Glibc.send(
                    descriptor, bytes.baseAddress.map { unsafe $0 + outputPosition },
                    bytes.count - outputPosition, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
            }
            guard count > 0 else {
                if count < 0, errno == EAGAIN || errno == EINTR { return }
                isInputOver = true
                isBroken = true
                return
            }
            outputPosition += count
            progressAt = Monotonic.now()
        }
        output.removeAll(keepingCapacity: true)
        outputPosition = 0
    }

    /// Whether to keep the connection after everything was sent that could be.
    private func goesOn(_ context: WslayContext) -> Bool {
        guard context.hasSentClose, !hasOutput else { return true }
        if context.hasReceivedClose { return false }
        if context.wantsToRead { return true }
        if context.sentCode != .noStatus {
            closure = WebSocketClosure(code: context.sentCode, isByPeer: false)
        }
        shutdown(descriptor, Int32(SHUT_WR))
        isLingering = true
        return true
    }

    /// Throws away what comes. Returns whether there may be more.
    private func linger() -> Bool {
        var scratch = [UInt8](repeating: 0, count: 4096)
        for _ in 0..<Self.roundsAtOnce {
            let count = unsafe recv(descriptor, &scratch, scratch.count, Int32(MSG_DONTWAIT))
            if count < 0 { return errno == EAGAIN || errno == EINTR }
            if count == 0 { return false }
        }
        return true
    }

    // MARK: - Called by the library

    /// Bytes for the library; -1 when there are none now, or for ever.
    func read(into target: UnsafeMutableRawBufferPointer) -> Int {
        guard readBudget > 0, socket.acceptsIncoming else {
            context?.fail(WSLAY_ERR_WOULDBLOCK)
            return -1
        }
        var count = min(early.count - earlyPosition, target.count)
        if count > 0 {
            unsafe target.copyBytes(from: early[earlyPosition..<earlyPosition + count])
            earlyPosition += count
            if earlyPosition == early.count { early = [] }
            if early.isEmpty { earlyPosition = 0 }
        } else {
            count = unsafe recv(
                descriptor, target.baseAddress, min(target.count, readBudget),
                Int32(MSG_DONTWAIT))
        }
        if count > 0 {
            readBudget -= count
            heardAt = Monotonic.now()
            return count
        }
        if count < 0, errno == EAGAIN || errno == EINTR {
            context?.fail(WSLAY_ERR_WOULDBLOCK)
        } else {
            isInputOver = true
            context?.fail(WSLAY_ERR_CALLBACK_FAILURE)
        }
        return -1
    }

    /// Takes bytes of frames; -1 when there is no room now.
    func write(_ bytes: UnsafeRawBufferPointer) -> Int {
        let room = Self.outputLimitBytes - output.count
        guard room > 0 else {
            context?.fail(WSLAY_ERR_WOULDBLOCK)
            return -1
        }
        let count = min(room, bytes.count)
        unsafe output.append(contentsOf: bytes.prefix(count))
        return count
    }

    /// The peer's close frame came; the library answers it.
    func peerCloses(_ code: WebSocketCloseCode) {
        closingSince = closingSince ?? Monotonic.now()
        closure = closure ?? WebSocketClosure(code: code, isByPeer: true)
    }
}
