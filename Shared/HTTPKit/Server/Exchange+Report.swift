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
        guard core.configuration.logsAccess else { return }
        core.world.telemetry.logger.log(
            .info, "request",
            [
                ("audience", .text(plan.route?.audience ?? "none")),
                ("method", .text(plan.method?.rawValue ?? "other")),
                ("route", .text(plan.route?.template ?? "unmatched")),
                ("status", .integer(outcome.status)),
                ("duration_microseconds", .integer(Int(outcome.nanoseconds / 1000))),
                ("received_bytes", .integer(outcome.receivedBytes)),
                ("sent_bytes", .integer(outcome.sentBytes)),
                ("complete", .boolean(outcome.isWhole)),
                ("request_id", .text(identity.requestID)),
                ("trace_id", .text(identity.trace.traceID)),
            ])
    }
}
