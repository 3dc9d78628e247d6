import Contracts
import HTTPKit
import Kernel
import Synchronization

/// Delivers claimed messages to clients' endpoints and records what became of them.
struct WebhookSending: Sendable {
    /// How much of an answer is read; nothing of it is kept.
    private static let responseLimitBytes = 4096

    let queue: WebhookQueue
    let http: HTTPClient
    let secrets: NotificationSecrets
    let targets: TargetPolicy
    let deadline: Duration
    let leaseMargin: Duration
    let schedule: RetrySchedule
    let world: World
    private let underWay = UnderWay()
    private let results: SendingResults

    /// Deliveries of this process that are under way, by webhook.
    private final class UnderWay: Sendable {
        private let counts = Mutex<[WebhookID: Int]>([:])

        var busy: [WebhookID] {
            counts.withLock { counts in
                counts.filter { $0.value >= WebhookQueue.perWebhookLimit }.keys.sorted()
            }
        }

        func add(_ amount: Int, _ webhook: WebhookID) {
            counts.withLock { counts in
                let count = counts[webhook, default: 0] + amount
                counts[webhook] = count > 0 ? count : nil
            }
        }
    }

    init(
        queue: WebhookQueue, http: HTTPClient, secrets: NotificationSecrets, targets: TargetPolicy,
        deadline: Duration, leaseMargin: Duration, schedule: RetrySchedule, world: World
    ) {
        self.queue = queue
        self.http = http
        self.secrets = secrets
        self.targets = targets
        self.deadline = deadline
        self.leaseMargin = leaseMargin
        self.schedule = schedule
        self.world = world
        results = SendingResults("webhook", world.telemetry)
    }

    func claim(_ limit: Int) async throws -> SendingLoop<WebhookJob>.Found {
        let jobs = try await queue.claim(
            limit, busy: underWay.busy, lease: deadline + leaseMargin, at: world.clock.now())
        for job in jobs { underWay.add(1, job.webhookID) }
        return SendingLoop.Found(jobs: jobs, hasMore: !jobs.isEmpty)
    }

    /// Counts attempts whose outcome will never be known, and has their deliveries sent again.
    func recover() async throws {
        results.count("unknown", try await queue.recover(at: world.clock.now()))
    }

    func perform(_ job: WebhookJob) async {
        defer { underWay.add(-1, job.webhookID) }
        let trace = job.traceparent.flatMap { TraceContext(traceparent: $0) }
        await TraceContext.$current.withValue(trace) {
            let answer = await send(job)
            world.faults.reach(NotificationCrashPoint.webhookAfterCall)
            await record(answer, of: job)
        }
    }

    /// What came back.
    private struct Answer {
        let code: String
        var status: Int?
        var retryAfter: Duration = .zero
        var isUnknown = false
    }

    private func send(_ job: WebhookJob) async -> Answer {
        let headers: HTTPHeaders
        do {
            headers = try self.headers(of: job)
        } catch {
            // The configured key is not the one that sealed it.
            return Answer(code: "secret_unreadable")
        }
        do throws(HTTPClientError) {
            let response = try await http.send(
                ClientRequest(
                    method: .post, url: job.url, headers: headers, body: job.body,
                    deadline: deadline, retry: .never,
                    responseLimitBytes: Self.responseLimitBytes, peer: "webhook",
                    targets: targets, cutsResponse: true))
            return Answer(
                code: String(response.status), status: response.status,
                retryAfter: response.retryAfter ?? .zero)
        } catch {
            let mayHaveArrived = [.timeout, .connectionLost, .cancelled, .malformedResponse]
                .contains(error.code)
            return Answer(code: error.code.description, isUnknown: mayHaveArrived)
        }
    }

    private func headers(of job: WebhookJob) throws -> HTTPHeaders {
        let seconds = world.clock.now().microseconds / 1_000_000
        let sealed = [job.sealedSecret] + (job.previousSealedSecret.map { [$0] } ?? [])
        let signatures = try sealed.map { box in
            try WebhookSecret(sealed: box, of: job.webhookID, key: secrets.webhookKey)
                .signature(of: job.body, id: job.id.description, seconds: seconds)
        }
        return [
            "Content-Type": MediaType.json, "webhook-id": job.id.description,
            "webhook-timestamp": String(seconds),
            "webhook-signature": signatures.joined(separator: " "),
        ]
    }

    private func record(_ answer: Answer, of job: WebhookJob) async {
        let now = world.clock.now()
        let result = decide(answer, of: job, at: now)
        results.count(
            answer.isUnknown ? "unknown" : result == .delivered ? "delivered" : "failed", 1)
        var pause = Duration.milliseconds(100)
        let end = ContinuousClock.now + leaseMargin
        while true {
            do {
                let isCurrent = try await queue.finish(
                    job, result, code: answer.code, isUnknown: answer.isUnknown, at: now)
                if !isCurrent { results.count("void", 1) }
                return
            } catch {
                guard .now + pause < end else {
                    world.telemetry.logger.error(
                        "the result of a webhook cannot be recorded",
                        [
                            ("delivery_id", .text(job.id.description)),
                            ("error", .text("\(error)")),
                        ])
                    return
                }
                try? await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(1))
            }
        }
    }

    private func decide(_ answer: Answer, of job: WebhookJob, at now: Timestamp) -> WebhookResult {
        if let status = answer.status {
            if (200...299).contains(status) { return .delivered }
            if status == 410 { return .gone }
        }
        let pause = schedule.pause(afterAttempt: job.roundAttempt, atLeast: answer.retryAfter)
        return pause.map { .again(at: now + $0) } ?? .failed
    }
}
