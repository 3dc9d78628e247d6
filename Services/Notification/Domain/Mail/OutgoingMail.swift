import Kernel

/// A rendered notification with all that its mail needs. The same notification always gives the
/// same bytes, so that a message that was sent twice is recognised as one.
struct OutgoingMail: Sendable, Hashable {
    let notificationID: NotificationID
    let sender: MailSender
    let recipient: EmailAddress
    let content: RenderedMessage
    let createdAt: Timestamp
    /// Where one click ends further mail (RFC 8058).
    let unsubscribeURL: String

    /// The same for every attempt.
    var messageID: String { Self.messageID(notificationID, sender) }

    static func messageID(_ notification: NotificationID, _ sender: MailSender) -> String {
        "<\(notification)@\(sender.address.domain)>"
    }

    /// The whole message, lines ended by CRLF (RFC 5322, RFC 2045).
    func bytes() -> [UInt8] {
        var head = MailHeader.field("Date", MailHeader.date(createdAt))
        head += MailHeader.mailbox("From", sender)
        head += MailHeader.field("To", "<\(recipient)>")
        head += MailHeader.text("Subject", content.subject)
        head += MailHeader.field("Message-ID", messageID)
        // In one line, although a long one: some readers keep the white space of a fold.
        head += "List-Unsubscribe: <\(unsubscribeURL)>\r\n"
        head += MailHeader.field("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
        head += MailHeader.field("Auto-Submitted", "auto-generated")
        head += MailHeader.field("MIME-Version", "1.0")
        guard let html = content.html else {
            return Array(head.utf8) + part("text/plain", content.text)
        }
        // "=_" cannot occur in quoted-printable text.
        let boundary = "=_\(notificationID)"
        head += "Content-Type: multipart/alternative;\r\n boundary=\"\(boundary)\"\r\n\r\n"
        let delimiter = Array("--\(boundary)\r\n".utf8)
        return Array(head.utf8) + delimiter + part("text/plain", content.text) + delimiter
            + part("text/html", html) + Array("--\(boundary)--\r\n".utf8)
    }

    private func part(_ type: String, _ text: String) -> [UInt8] {
        let head =
            "Content-Type: \(type); charset=utf-8\r\n"
            + "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
        return Array(head.utf8) + QuotedPrintable.encode(text)
    }
}
