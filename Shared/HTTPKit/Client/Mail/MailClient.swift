import CLibcurl
package import Kernel

/// Hands mail to one SMTP server over kept connections; one thread of libcurl's does the waiting.
///
/// A message is sent once: what may have arrived is told as `.unknown`, and whether to send it
/// again is the caller's business.
package final class MailClient: Sendable {
    /// The bounds of a mail client.
    package struct Limits: Sendable {
        /// Connections at once; more messages wait for one.
        package var connections = 8
        /// Messages under way or waiting; more are refused with `.overloaded`.
        package var underWay = 256
        /// How long a connection may take to come about, within the message's deadline.
        package var connectTimeout: Duration = .seconds(5)
        /// How long an idle connection is kept.
        package var idleConnectionSeconds = 20

        /// The defaults.
        package init() {}
    }

    private let server: MailServer
    private let limits: Limits
    private let driver: CurlDriver
    private let metrics: Metrics
    private let duration: Histogram

    /// Starts the thread. Ends with `shutdown()`, or by itself when the last reference goes.
    package init(_ server: MailServer, limits: Limits = Limits(), world: World) {
        self.server = server
        self.limits = limits
        driver = CurlDriver(
            CurlDriver.Limits(
                connectionsPerHost: limits.connections, connectionsInTotal: limits.connections,
                underWay: limits.underWay))
        metrics = world.telemetry.metrics
        duration = metrics.histogram(
            "grapevine_mail_seconds", help: "How long handing a message to the server took.")
        driver.start()
    }

    deinit {
        driver.stop()
    }

    /// Hands a message over; takes at most `deadline`.
    ///
    /// A kept connection that turns out dead before it carried any of the message is replaced once.
    package func send(_ message: MailMessage, deadline: Duration) async -> MailOutcome {
        let start = ContinuousClock.now
        var (outcome, mayBeStale) = await attempt(message, within: deadline, isFresh: false)
        let rest = deadline - (ContinuousClock.now - start)
        if mayBeStale, rest > .zero {
            (outcome, mayBeStale) = await attempt(message, within: rest, isFresh: true)
        }
        duration.observe(ContinuousClock.now - start)
        metrics.counter(
            "grapevine_mail_attempts_total", help: "Messages handed to the server, by result.",
            [("result", outcome.label)]
        ).increment()
        return outcome
    }

    /// Ends what is under way and returns when the thread has ended.
    package func shutdown() async {
        driver.stop()
        await driver.waitForEnd()
    }

    private func attempt(
        _ message: MailMessage, within limit: Duration, isFresh: Bool
    ) async -> (outcome: MailOutcome, mayBeStale: Bool) {
        let transfer: CurlTransfer
        do throws(HTTPClientError) {
            transfer = try CurlTransfer.mail(
                message, by: server, within: limit, limits, isFresh: isFresh)
        } catch {
            return (.notSent(error.code == .overloaded ? .overloaded : .invalidMessage), false)
        }
        switch await driver.run(transfer) {
        case .finished(let code):
            let outcome = transfer.mailOutcome(code)
            return (outcome, !isFresh && transfer.isStale(outcome))
        case .cancelled: return (transfer.interrupted(.cancelled), false)
        case .shutDown: return (transfer.interrupted(.shutDown), false)
        case .overloaded: return (.notSent(.overloaded), false)
        }
    }
}

extension MailOutcome {
    fileprivate var label: String {
        switch self {
        case .accepted: "accepted"
        case .rejected(_, let isPermanent): isPermanent ? "rejected" : "deferred"
        case .unknown: "unknown"
        case .notSent: "not_sent"
        }
    }
}
