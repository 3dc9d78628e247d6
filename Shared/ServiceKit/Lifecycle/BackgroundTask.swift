package import Kernel

/// Work that runs as long as the service does: a relay, a subscriber, a purge.
package struct BackgroundTask: Sendable {
    /// For the log; lower case, no spaces.
    package let name: String
    /// Runs until its task is cancelled; then releases what it holds and returns.
    package let run: @Sendable () async throws -> Void

    /// A task that throws is logged and started again after a pause that grows to 30 seconds; one
    /// that returns is over.
    package init(_ name: String, run: @escaping @Sendable () async throws -> Void) {
        self.name = name
        self.run = run
    }

    /// Does `body` once every `interval`, the first time after a random part of it, so that
    /// replicas that start together do not work together.
    ///
    /// - Parameter interval: from the end of one run to the start of the next, give or take a
    /// tenth.
    package static func periodic(
        _ name: String, every interval: Duration, telemetry: Telemetry,
        _ body: @escaping @Sendable () async throws -> Void
    ) -> BackgroundTask {
        BackgroundTask(name) {
            let failures = telemetry.metrics.counter(
                "grapevine_periodic_task_failures_total", help: "Periodic tasks that failed.",
                [("task", name)])
            var pause = interval * Double.random(in: 0...1)
            while !Task.isCancelled {
                do {
                    try await Task.sleep(for: pause)
                } catch {
                    return
                }
                do {
                    try await body()
                } catch is CancellationError {
                    return
                } catch {
                    failures.increment()
                    telemetry.logger.warning(
                        "periodic task failed; next try at its next turn",
                        [("task", .text(name)), ("error", .text("\(error)"))])
                }
                pause = interval * Double.random(in: 0.9...1.1)
            }
        }
    }

    /// Runs until cancelled or finished, whatever the body throws.
    func supervise(_ telemetry: Telemetry) async {
        let restarts = telemetry.metrics.counter(
            "grapevine_background_task_restarts_total",
            help: "Background tasks started again after an error.", [("task", name)])
        var pause = Duration.milliseconds(500)
        while !Task.isCancelled {
            let started = ContinuousClock.now
            do {
                try await run()
                return
            } catch is CancellationError where Task.isCancelled {
                return
            } catch {
                telemetry.logger.error(
                    "background task failed; starting it again",
                    [
                        ("task", .text(name)), ("error", .text("\(error)")),
                        ("pause_ms", .integer(Int(pause.wholeMilliseconds))),
                    ])
            }
            restarts.increment()
            // It ran well for a while: this is a new trouble, not the old one.
            if ContinuousClock.now - started > .seconds(60) { pause = .milliseconds(500) }
            try? await Task.sleep(for: pause * Double.random(in: 0.5...1))
            pause = min(pause * 2, .seconds(30))
        }
    }
}
