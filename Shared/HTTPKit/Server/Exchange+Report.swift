import Kernel

/// How a request ended.
struct ExchangeOutcome: Sendable {
    /// Recorded when the peer left before there was an answer; nginx counts these as 499 too.
    static let clientLeft = 499

    let status: Int
    /// From the end of the headers to the end of the answer.
    let nanoseconds: Int64
    let receivedBytes: Int
    let sentBytes: Int
    /// Whether the whole answer reached the socket.
    let isWhole: Bool
}

extension Exchange {
    /// Counts the request and writes its line.
    func report(_ outcome: ExchangeOutcome) {
        core.meter(of: plan.route).record(
            plan.method, status: outcome.status, nanoseconds: outcome.nanoseconds)
        trace(outcome)
        guard core.configuration.logsAccess else { return }
        core.world.telemetry.logger.log(.info, "request") { line in
            line.add("audience", plan.route?.audience ?? "none")
            line.add("method", plan.method?.rawValue ?? "other")
            line.add("route", plan.route?.template ?? "unmatched")
            line.add("status", outcome.status)
            line.add("duration_microseconds", Int(outcome.nanoseconds / 1000))
            line.add("received_bytes", outcome.receivedBytes)
            line.add("sent_bytes", outcome.sentBytes)
            if !outcome.isWhole { line.add("incomplete", .boolean(true)) }
            line.add("request_id", identity.requestID)
            line.add("trace_id", identity.trace.traceID)
        }
    }

    /// Leaves a span. Paths are not in it: they may name people.
    private func trace(_ outcome: ExchangeOutcome) {
        let tracer = core.world.telemetry.tracer
        guard tracer.records(identity.trace), let route = plan.route else { return }
        // What comes again and again without a cause (probes, a subscriber's question for news)
        // would bury the rest.
        if route.isProbe || (route.isInternal && identity.trace.parentIDBytes == nil) { return }
        let method = plan.method?.rawValue ?? "_OTHER"
        let end = Span.now()
        tracer.sink?.add(
            Span(
                context: identity.trace, name: "\(method) \(route.template)", kind: .server,
                start: end - outcome.nanoseconds, end: end,
                attributes: [
                    ("http.request.method", .text(method)), ("http.route", .text(route.template)),
                    ("http.response.status_code", .integer(outcome.status)),
                    ("network.protocol.version", .text(String(head.version.dropFirst(5)))),
                    ("url.scheme", "http"), ("grapevine.audience", .text(route.audience)),
                    ("grapevine.request_id", .text(identity.requestID)),
                ],
                failure: outcome.status >= 500 ? String(outcome.status) : nil))
    }
}
