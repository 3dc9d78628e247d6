/// Where a process reports what it does: log lines and metrics.
package struct Telemetry: Sendable {
    package let logger: Logger
    package let metrics: Metrics

    package init(logger: Logger = .silent, metrics: Metrics = Metrics()) {
        self.logger = logger
        self.metrics = metrics
    }

    /// The same metrics, with more values on every log line.
    package func with(_ values: [(String, Logger.Value)]) -> Telemetry {
        Telemetry(logger: logger.with(values), metrics: metrics)
    }
}
