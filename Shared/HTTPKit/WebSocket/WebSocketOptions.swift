/// What one kind of socket allows.
package struct WebSocketOptions: Sendable {
    /// The largest message that is accepted, all its fragments together; beyond it 1009.
    package var maximumMessageBytes = 64 << 10
    /// A sender waits while more than this is not sent yet.
    package var outgoingLimitBytes = 256 << 10
    /// Nothing more is read from the peer while this much waits for `messages`.
    package var incomingLimitBytes = 64 << 10
    /// A peer that was silent for so long is asked whether it is still there.
    package var pingInterval: Duration = .seconds(20)
    /// How long it may take to answer that.
    package var pongDeadline: Duration = .seconds(20)
    /// How long a peer may take nothing at all while there is something to send; then 1008.
    package var stallLimit: Duration = .seconds(10)
    /// How long a peer may take to answer our close.
    package var closeDeadline: Duration = .seconds(5)
    /// The subprotocol to speak, out of those that the client offers; nil for none.
    package var chooseProtocol: @Sendable (_ offered: [String]) -> String? = { _ in nil }

    /// The defaults, all of which can be set afterwards.
    package init() {}
}

/// One whole message.
package enum WebSocketMessage: Sendable, Hashable {
    /// Valid UTF-8.
    case text(String)
    case binary([UInt8])

    var byteCount: Int {
        switch self {
        case .text(let text): text.utf8.count
        case .binary(let bytes): bytes.count
        }
    }
}

/// Why a socket was closed (RFC 6455 §7.4 and IANA's registry).
package struct WebSocketCloseCode: Sendable, Hashable, CustomStringConvertible {
    /// What stands in the close frame.
    package let value: UInt16

    package init(_ value: UInt16) { self.value = value }

    /// What was wanted is done.
    package static let normal = WebSocketCloseCode(1000)
    /// The server stops, or the page was left.
    package static let goingAway = WebSocketCloseCode(1001)
    package static let protocolError = WebSocketCloseCode(1002)
    /// The close frame named no code. Never sent.
    package static let noStatus = WebSocketCloseCode(1005)
    /// The connection ended without a close frame. Never sent.
    package static let abnormal = WebSocketCloseCode(1006)
    /// Text that is not UTF-8.
    package static let invalidPayload = WebSocketCloseCode(1007)
    /// The peer may not, or no longer: too slow, or its credential has ended.
    package static let policyViolation = WebSocketCloseCode(1008)
    package static let messageTooBig = WebSocketCloseCode(1009)
    /// The handler failed.
    package static let internalError = WebSocketCloseCode(1011)
    /// The peer may come back: it could not keep up, or the socket had its time.
    package static let tryAgainLater = WebSocketCloseCode(1013)

    package var description: String { String(value) }
}

/// How a socket ended.
package struct WebSocketClosure: Error, Sendable, Hashable {
    package let code: WebSocketCloseCode
    /// Whether the peer closed first.
    package let isByPeer: Bool

    package init(code: WebSocketCloseCode, isByPeer: Bool) {
        self.code = code
        self.isByPeer = isByPeer
    }
}
