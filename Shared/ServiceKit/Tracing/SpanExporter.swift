import Contracts
import HTTPKit
import Kernel
import MessagingKit
import SecurityKit

/// Sends finished spans to a collector: OTLP over HTTP with Protocol Buffers.
///
/// Never in anybody's way: spans wait in a `SpanBuffer`, and while the collector is away only the
/// buffer fills. Batches go one after the other, each until the collector takes or refuses it.
struct SpanExporter: Sendable {
    /// The limits of an export.
    struct Limits: Sendable {
        /// The most spans in one request.
        var batch = 512
        /// How long spans gather before they are sent, unless a batch is full.
        var interval: Duration = .milliseconds(250)
        /// For one request.
        var deadline: Duration = .seconds(5)
        /// The longest pause between two attempts.
        var pause: Duration = .seconds(15)
        /// For everything that is left at the end.
        var farewell: Duration = .seconds(2)
    }

    /// What became of a request.
    private enum Outcome {
        case taken
        case refused(status: Int)
        /// Worth another attempt.
        case away(reason: String, retryAfter: Duration)
    }

    private let buffer: SpanBuffer
    private let url: String
    private let http: HTTPClient
    private let limits: Limits
    private let logger: Logger
    private let resource: [(String, Span.Value)]
    private let exported: Counter

    /// - Parameter endpoint: the collector's base address; `/v1/traces` is added.
    init(
        _ buffer: SpanBuffer, endpoint: String, service: ServiceName, http: HTTPClient,
        limits: Limits = Limits(), telemetry: Telemetry
    ) {
        self.buffer = buffer
        url = endpoint + "/v1/traces"
        self.http = http
        self.limits = limits
        logger = telemetry.logger
        resource = [
            ("service.name", .text(service.executableName)),
            ("service.namespace", "grapevine"),
            ("service.version", .text(Version.current)),
            ("service.instance.id", .text(Hex.encode(SecureRandom.bytes(8)))),
        ]
        exported = telemetry.metrics.counter(
            "grapevine_trace_spans_exported_total", help: "Spans that the collector took.")
    }

    /// Sends a service's spans until the task is cancelled; nil when the service makes none.
    static func start(_ context: ServiceContext) -> Task<Void, Never>? {
        guard let endpoint = context.configuration.otlpEndpoint,
            let buffer = context.telemetry.tracer.sink as? SpanBuffer
        else { return nil }
        let exporter = SpanExporter(
            buffer, endpoint: endpoint, service: context.configuration.service,
            http: context.http, telemetry: context.telemetry)
        return Task { await exporter.run() }
    }

    /// Sends what comes until the task is cancelled, then what is left within `farewell`.
    func run() async {
        var batch: [Span] = []
        var backoff = Backoff(base: .milliseconds(500), limit: limits.pause)
        while !Task.isCancelled {
            if batch.isEmpty {
                if buffer.count < limits.batch { try? await Task.sleep(for: limits.interval) }
                batch = buffer.take(limits.batch)
                if batch.isEmpty { continue }
            }
            switch await send(batch, within: limits.deadline) {
            case .taken, .refused:
                if backoff.failures > 0 { logger.notice("spans are exported again") }
                backoff.succeed()
                batch = []
            case .away(let reason, let retryAfter):
                // One that was interrupted by the end says nothing.
                if Task.isCancelled { break }
                if backoff.failures == 0 {
                    logger.warning("spans cannot be exported", [("error", .text(reason))])
                }
                try? await Task.sleep(for: backoff.fail(least: retryAfter))
            }
        }
        let rest = batch
        // A task of its own: this one is cancelled.
        await Task { await end(rest) }.value
    }

    /// Sends what is left. A batch whose answer was lost goes out again: it is the same spans.
    private func end(_ rest: [Span]) async {
        let end = ContinuousClock.now + limits.farewell
        var batch = rest.isEmpty ? buffer.take(limits.batch) : rest
        while !batch.isEmpty {
            if case .away = await send(batch, within: end - .now) {
                return buffer.drop(batch.count + buffer.take(.max).count, .ended)
            }
            batch = buffer.take(limits.batch)
        }
    }

    private func send(_ spans: [Span], within limit: Duration) async -> Outcome {
        let request = ClientRequest(
            method: .post, url: url, headers: ["Content-Type": "application/x-protobuf"],
            body: OTLPRequest.encode(spans, resource: resource), deadline: limit, retry: .never,
            responseLimitBytes: 4096, peer: "otlp-collector", cutsResponse: true)
        let outcome = await outcome(of: request)
        switch outcome {
        case .taken: exported.increment(by: spans.count)
        case .refused(let status):
            buffer.drop(spans.count, .refused)
            logger.warning("the collector refuses spans", [("status", .integer(status))])
        case .away: break
        }
        return outcome
    }

    /// Which answers are worth another attempt is said in the OTLP specification.
    private func outcome(of request: ClientRequest) async -> Outcome {
        do throws(HTTPClientError) {
            let response = try await http.send(request)
            switch response.status {
            case 200...299: return .taken
            case 429, 502, 503, 504:
                return .away(
                    reason: "status \(response.status)",
                    retryAfter: response.retryAfter ?? .zero)
            default: return .refused(status: response.status)
            }
        } catch {
            return .away(reason: error.description, retryAfter: error.retryAfter ?? .zero)
        }
    }
}
