import CWslay

/// The library's state of one socket, with the session that it calls. Only on the sockets' thread.
@safe final class WslayContext {
    private let pointer: OpaquePointer

    /// Nil when there is no memory. The session must outlive the context.
    init?(calling session: WebSocketSession, maximumMessageBytes: Int) {
        var callbacks = wslay_event_callbacks()
        unsafe callbacks.recv_callback = receiveBytes
        unsafe callbacks.send_callback = sendBytes
        unsafe callbacks.on_msg_recv_callback = messageReceived
        var pointer: OpaquePointer?
        let closure = unsafe Unmanaged.passUnretained(session).toOpaque()
        guard unsafe wslay_event_context_server_init(&pointer, &callbacks, closure) == 0,
            let pointer = unsafe pointer
        else { return nil }
        unsafe wslay_event_config_set_max_recv_msg_length(pointer, UInt64(maximumMessageBytes))
        unsafe self.pointer = unsafe pointer
    }

    deinit { unsafe wslay_event_context_free(pointer) }

    var wantsToRead: Bool { unsafe wslay_event_want_read(pointer) != 0 }
    var wantsToWrite: Bool { unsafe wslay_event_want_write(pointer) != 0 }
    var hasSentClose: Bool { unsafe wslay_event_get_close_sent(pointer) != 0 }
    var hasReceivedClose: Bool { unsafe wslay_event_get_close_received(pointer) != 0 }

    var sentCode: WebSocketCloseCode {
        WebSocketCloseCode(unsafe wslay_event_get_status_code_sent(pointer))
    }

    /// Reads frames until there is no more. False when the connection or its framing is broken.
    func receive() -> Bool { unsafe wslay_event_recv(pointer) == 0 }

    /// Sends frames until there is no room. False when the library has no memory.
    func send() -> Bool { unsafe wslay_event_send(pointer) == 0 }

    func queue(_ message: WebSocketMessage) {
        switch message {
        case .text(let text): queue(Array(text.utf8), as: WSLAY_TEXT_FRAME)
        case .binary(let bytes): queue(bytes, as: WSLAY_BINARY_FRAME)
        }
    }

    func queuePing() { queue([], as: WSLAY_PING) }

    func queueClose(_ code: WebSocketCloseCode, reason: String) {
        // A close frame has 125 bytes, two of them for the code; cut between characters.
        var reason = reason
        while reason.utf8.count > 123 { reason.removeLast() }
        let bytes = Array(reason.utf8)
        _ = unsafe wslay_event_queue_close(pointer, code.value, bytes, bytes.count)
    }

    func fail(_ error: wslay_error) {
        unsafe wslay_event_set_error(pointer, error.rawValue)
    }

    private func queue(_ bytes: [UInt8], as code: wslay_opcode) {
        unsafe bytes.withUnsafeBufferPointer { buffer in
            var message = unsafe wslay_event_msg(
                opcode: UInt8(code.rawValue), msg: buffer.baseAddress, msg_length: buffer.count)
            // Refused only after a close was queued, when nothing may follow any more.
            _ = unsafe wslay_event_queue_msg(pointer, &message)
        }
    }
}

// The library calls these. Free functions, because a closure would inherit its context's actor.

private func session(_ closure: UnsafeMutableRawPointer?) -> WebSocketSession? {
    guard let closure = unsafe closure else { return nil }
    return unsafe Unmanaged<WebSocketSession>.fromOpaque(closure).takeUnretainedValue()
}

private func receiveBytes(
    context: OpaquePointer?, buffer: UnsafeMutablePointer<UInt8>?, count: Int, flags: Int32,
    closure: UnsafeMutableRawPointer?
) -> Int {
    guard let session = unsafe session(closure), let buffer = unsafe buffer else { return -1 }
    return unsafe session.read(into: UnsafeMutableRawBufferPointer(start: buffer, count: count))
}

private func sendBytes(
    context: OpaquePointer?, data: UnsafePointer<UInt8>?, count: Int, flags: Int32,
    closure: UnsafeMutableRawPointer?
) -> Int {
    guard let session = unsafe session(closure), let data = unsafe data else { return -1 }
    return unsafe session.write(UnsafeRawBufferPointer(start: data, count: count))
}

private func messageReceived(
    context: OpaquePointer?, argument: UnsafePointer<wslay_event_on_msg_recv_arg>?,
    closure: UnsafeMutableRawPointer?
) {
    guard let session = unsafe session(closure), let argument = unsafe argument else { return }
    let bytes = unsafe Array(
        UnsafeBufferPointer(start: argument.pointee.msg, count: argument.pointee.msg_length))
    switch unsafe UInt32(argument.pointee.opcode) {
    case WSLAY_TEXT_FRAME.rawValue:
        // The library has checked the UTF-8.
        session.socket.deliver(.text(String(decoding: bytes, as: UTF8.self)))
    case WSLAY_BINARY_FRAME.rawValue: session.socket.deliver(.binary(bytes))
    case WSLAY_CONNECTION_CLOSE.rawValue:
        let code = unsafe argument.pointee.status_code
        session.peerCloses(code == 0 ? .noStatus : WebSocketCloseCode(code))
    default: break
    }
}
