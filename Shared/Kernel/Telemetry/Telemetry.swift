/// Where a process reports what it does: log lines, metrics and spans.
package struct Telemetry: Sendable {
    package let logger: Logger
    package let metrics: Metrics
    package let tracer: Tracer

    package init(
        logger: Logger = .silent, metrics: Metrics = Metrics(), tracer: Tracer = .off
    ) {
        self.logger = logger
        self.metrics = metrics
        self.tracer = tracer
    }

    /// The same metrics and spans, with more values on every log line.
    package func with(_ values: [(String, Logger.Value)]) -> Telemetry {
        Telemetry(logger: logger.with(values), metrics: metrics, tracer: tracer)
    }
}
