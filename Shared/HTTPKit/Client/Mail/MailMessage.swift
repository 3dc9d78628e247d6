/// One message with its envelope, ready for the wire.
package struct MailMessage: Sendable, Hashable {
    /// The envelope's sender, an address without brackets.
    package let from: String
    /// The one recipient, an address without brackets.
    package let to: String
    /// Header fields, an empty line and the body; lines end in CRLF. Not empty.
    package let bytes: [UInt8]

    package init(from: String, to: String, bytes: [UInt8]) {
        self.from = from
        self.to = to
        self.bytes = bytes
    }
}

/// What became of handing over a message.
package enum MailOutcome: Sendable, Hashable {
    /// The server took it and answers for it from now on.
    case accepted
    /// The server said no to this message: `isPermanent` for its 5xx codes.
    case rejected(code: Int, isPermanent: Bool)
    /// Everything was handed over and no answer came: the server may have taken it or not.
    case unknown(MailFailure)
    /// The server cannot have taken it.
    case notSent(MailFailure)
}

/// Why a message was not handed over, or its answer not received. Open: more may come.
package struct MailFailure: Sendable, Hashable, CustomStringConvertible {
    /// The failure as a slug, fit for metrics and records.
    package let description: String

    private init(_ description: String) { self.description = description }

    /// An address or the message cannot be sent as they are.
    package static let invalidMessage = MailFailure("invalid_message")
    /// No connection came about, or the server would not begin a session.
    package static let connectionFailed = MailFailure("connection_failed")
    /// TLS was asked for and did not come about.
    package static let secureConnectionFailed = MailFailure("secure_connection_failed")
    /// The server does not accept who we say we are.
    package static let loginFailed = MailFailure("login_failed")
    /// The connection broke.
    package static let connectionLost = MailFailure("connection_lost")
    /// The deadline passed.
    package static let timeout = MailFailure("timeout")
    /// Too many messages are under way in this process.
    package static let overloaded = MailFailure("overloaded")
    /// The task was cancelled.
    package static let cancelled = MailFailure("cancelled")
    /// The client was shut down.
    package static let shutDown = MailFailure("shut_down")
}
