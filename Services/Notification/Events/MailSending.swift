import Contracts
import HTTPKit
import Kernel

/// Hands claimed messages to the mail server and records what became of them.
struct MailSending: Sendable {
    let queue: MailQueue
    let client: MailClient
    let sender: MailSender
    let links: UnsubscribeLinks
    let deadline: Duration
    let leaseMargin: Duration
    let schedule: RetrySchedule
    let world: World
    private let results: SendingResults
    /// Results that come at the same time are recorded together.
    private let finish: Gathering<MailFinish, Bool>

    init(
        queue: MailQueue, client: MailClient, sender: MailSender, links: UnsubscribeLinks,
        deadline: Duration, leaseMargin: Duration, schedule: RetrySchedule, world: World
    ) {
        self.queue = queue
        self.client = client
        self.sender = sender
        self.links = links
        self.deadline = deadline
        self.leaseMargin = leaseMargin
        self.schedule = schedule
        self.world = world
        results = SendingResults("mail", world.telemetry)
        finish = .gathering { [queue] in try await queue.finish($0) }
    }

    var lease: Duration { deadline + leaseMargin }

    func claim(_ limit: Int) async throws -> SendingLoop<MailJob>.Found {
        let now = world.clock.now()
        let claim = try await queue.claim(limit, lease: lease, at: now)
        if !claim.jobs.isEmpty { world.faults.reach(NotificationCrashPoint.mailClaimed) }
        do {
            try await queue.refuse(claim.suppressed, at: now)
        } catch {
            // They are still due and are found again; the others have their lease and must go.
            world.telemetry.logger.warning(
                "messages to suppressed addresses cannot be refused",
                [("error", .text("\(error)"))])
        }
        return SendingLoop.Found(jobs: claim.jobs, hasMore: claim.isFull)
    }

    /// Counts attempts whose outcome will never be known, and has their messages sent again.
    func recover() async throws {
        var count = MailQueue.batchLimit
        while count == MailQueue.batchLimit {
            count = try await queue.recover(at: world.clock.now())
            results.count("unknown", count)
        }
    }

    func perform(_ job: MailJob) async {
        let cause = job.traceparent.flatMap { TraceContext(traceparent: $0) }
        let span = world.telemetry.tracer.begin("send mail", .client, below: cause)
        await TraceContext.$current.withValue(span?.context ?? cause) {
            let outcome = await send(job)
            span.map { end($0, outcome, of: job) }
            world.faults.reach(NotificationCrashPoint.mailAfterCall)
            await record(outcome, of: job)
        }
    }

    /// Whom it went to is a person's data and stays out.
    private func end(_ span: OpenSpan, _ outcome: MailOutcome, of job: MailJob) {
        let (status, code) = outcome.written
        span.end(
            [
                ("peer.service", "mail-server"),
                ("grapevine.notification_id", .text(job.id.description)),
                ("grapevine.mail.attempt", .integer(job.attempt)),
                ("grapevine.mail.result", .text(status)),
            ], failure: status == "accepted" ? nil : code ?? status)
    }

    private func send(_ job: MailJob) async -> MailOutcome {
        guard let recipient = EmailAddress(job.address) else { return .notSent(.invalidMessage) }
        let mail = OutgoingMail(
            notificationID: job.id, sender: sender, recipient: recipient, content: job.content,
            createdAt: job.createdAt,
            unsubscribeURL: links.url(addressHash: job.addressHash, client: job.clientID))
        return await client.send(
            MailMessage(
                from: sender.address.description, to: recipient.description, bytes: mail.bytes()),
            deadline: deadline)
    }

    private func record(_ outcome: MailOutcome, of job: MailJob) async {
        let now = world.clock.now()
        let (status, code) = outcome.written
        let result = decide(outcome, after: job.attempt, reason: code, at: now)
        results.count(status, 1)
        var pause = Duration.milliseconds(100)
        // Until the lease ends: what is not recorded then counts as unknown.
        let end = ContinuousClock.now + leaseMargin
        while true {
            do {
                let isCurrent = try await finish(
                    MailFinish(job: job, result: result, status: status, code: code, at: now))
                if !isCurrent { results.count("void", 1) }
                return
            } catch {
                guard .now + pause < end else {
                    world.telemetry.logger.error(
                        "the result of a mail cannot be recorded",
                        [
                            ("notification_id", .text(job.id.description)),
                            ("error", .text("\(error)")),
                        ])
                    return
                }
                try? await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(1))
            }
        }
    }

    private func decide(
        _ outcome: MailOutcome, after attempt: Int, reason: String?, at now: Timestamp
    ) -> MailResult {
        let reason = reason ?? "failed"
        switch outcome {
        case .accepted: return .sent
        case .rejected(_, isPermanent: true): return .failed(reason: "rejected_\(reason)")
        case .notSent(.invalidMessage): return .failed(reason: reason)
        case .rejected, .notSent, .unknown:
            guard let pause = schedule.pause(afterAttempt: attempt) else {
                return .failed(reason: "gave_up_\(reason)")
            }
            return .again(at: now + pause, reason: reason)
        }
    }
}

extension MailOutcome {
    /// As an attempt's row says it.
    fileprivate var written: (status: String, code: String?) {
        switch self {
        case .accepted: ("accepted", nil)
        case .rejected(let code, _): ("rejected", String(code))
        case .unknown(let failure): ("unknown", failure.description)
        case .notSent(let failure): ("not_sent", failure.description)
        }
    }
}

/// Where one click ends a client's mail to an address.
struct UnsubscribeLinks: Sendable {
    let secrets: NotificationSecrets
    /// Where the public reaches this service, without a slash at the end.
    let publicURL: String

    func url(addressHash: [UInt8], client: ClientID) -> String {
        "\(publicURL)/u/\(secrets.unsubscribeToken(addressHash, of: client))"
    }
}

/// How attempts ended, for the metrics.
struct SendingResults: Sendable {
    private let queue: String
    private let metrics: Metrics

    init(_ queue: String, _ telemetry: Telemetry) {
        self.queue = queue
        metrics = telemetry.metrics
        // Shown from the start: the window of unknown outcomes is something to look at.
        count("unknown", 0)
    }

    func count(_ result: String, _ amount: Int) {
        metrics.counter(
            "grapevine_notification_attempts_total",
            help: "Attempts to reach somebody outside, by how they ended.",
            [("queue", queue), ("result", result)]
        ).increment(by: amount)
    }
}
