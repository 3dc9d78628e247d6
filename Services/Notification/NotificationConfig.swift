import HTTPKit
import Kernel
package import ServiceKit

/// Settings of notification-service beside the common ones.
package struct NotificationConfiguration: ServiceConfiguration {
    var mailServer: MailServer
    var sender: MailSender
    var publicURL: String
    /// 32 bytes.
    var key: [UInt8]
    var sendTimeout: Duration
    var mailConcurrency: Int
    var mailsPerMinute: Int
    var retention: Duration
    var webhookTimeout: Duration
    var webhookConcurrency: Int
    var allowsPrivateTargets: Bool

    var mailSchedule = RetrySchedule.mail
    var webhookSchedule = RetrySchedule.webhooks
    /// Beyond the deadline of a call, so that a lease only ends early when its holder died.
    var leaseMargin = Duration.seconds(5)

    package init(_ environment: inout EnvironmentReader) {
        mailServer = environment.mailServer()
        sender = environment.value(
            "GRAPEVINE_NOTIFICATION_FROM",
            default: MailSender.local,
            written: "Grapevine <no-reply@grapevine.example>",
            "whom mail comes from; the address is also the envelope's sender"
        ) { text throws(InvalidValue) in
            guard let sender = MailSender(text) else {
                throw InvalidValue("'\(text)' is neither an address nor Name <address>.")
            }
            return sender
        }
        publicURL = environment.httpURL(
            "GRAPEVINE_NOTIFICATION_PUBLIC_URL", default: "http://127.0.0.1:8080",
            "where the public reaches /u/, for the links that end mail; https outside of trials")
        key = environment.masterKey(
            "GRAPEVINE_NOTIFICATION_KEY",
            "encrypts webhook secrets, hashes suppressed addresses and signs unsubscribe links; "
                + "keep it as long as the data")
        sendTimeout = environment.duration(
            "GRAPEVINE_NOTIFICATION_SEND_TIMEOUT", default: .seconds(10),
            in: .seconds(1) ... .seconds(300), "how long handing one mail to the server may take")
        mailConcurrency = environment.integer(
            "GRAPEVINE_NOTIFICATION_CONCURRENCY", default: 8, in: 1...64,
            "mails under way at once, each over a connection of its own")
        mailsPerMinute = environment.integer(
            "GRAPEVINE_NOTIFICATION_CLIENT_RATE", default: 600, in: 1...1_000_000,
            "mails of one client per minute, over all replicas; more wait their turn")
        retention = environment.duration(
            "GRAPEVINE_NOTIFICATION_RETENTION", default: .seconds(90 * 86_400),
            in: .seconds(3600) ... .seconds(3650 * 86_400),
            "how long addresses and contents of finished messages, and finished webhook "
                + "deliveries, are kept")
        webhookTimeout = environment.duration(
            "GRAPEVINE_NOTIFICATION_WEBHOOK_TIMEOUT", default: .seconds(15),
            in: .seconds(1) ... .seconds(60), "how long a webhook's receiver may take")
        webhookConcurrency = environment.integer(
            "GRAPEVINE_NOTIFICATION_WEBHOOK_CONCURRENCY", default: 32, in: 1...512,
            "webhook deliveries under way at once, four of them to one endpoint")
        allowsPrivateTargets = environment.boolean(
            "GRAPEVINE_NOTIFICATION_ALLOW_PRIVATE_TARGETS", default: false,
            "whether webhooks may go to private and loopback addresses and over http; for tests "
                + "and trials on one machine only")
    }
}

extension EnvironmentReader {
    fileprivate mutating func mailServer() -> MailServer {
        let name = "GRAPEVINE_NOTIFICATION_SMTP_URL"
        var server = value(
            name, default: MailServer.local, written: "smtp://127.0.0.1:2526",
            "the mail server: smtp://host:port, or smtps://host:port for TLS from the first byte"
        ) { text throws(InvalidValue) in
            guard let server = MailServer(url: text) else {
                throw InvalidValue("It is not smtp://host:port or smtps://host:port.")
            }
            return server
        }
        let startsTLS = boolean(
            "GRAPEVINE_NOTIFICATION_SMTP_STARTTLS", default: false,
            "whether an smtp:// server must change over to TLS before anything is sent")
        if startsTLS, server.security == .none { server.security = .startTLS }
        server.helloName = string(
            "GRAPEVINE_NOTIFICATION_SMTP_HELLO", default: "localhost",
            "the name by which this side greets the mail server")
        server.authoritiesFile = optionalString(
            "GRAPEVINE_NOTIFICATION_SMTP_CA_FILE", example: "/etc/ssl/private-ca.pem",
            "PEM certificates to trust for the mail server instead of the system's")
        let user = optionalString(
            "GRAPEVINE_NOTIFICATION_SMTP_USER", example: "grapevine", "user name, when asked for")
        let password = optionalSecret(
            "GRAPEVINE_NOTIFICATION_SMTP_PASSWORD", example: "<the mail server's password>",
            "password of that user; never sent without TLS")
        if let user, let password {
            server.credentials = MailServer.Credentials(user: user, password: password)
            if server.security == .none {
                note(
                    name, "A password would be sent in clear text: use smtps:// or STARTTLS.",
                    "smtps://mail.example:465")
            }
        }
        return server
    }
}
