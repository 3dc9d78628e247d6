import Kernel
import Synchronization
import TestKit
import Testing

@testable import ServiceKit

@Suite(.timeLimit(.minutes(2))) struct BackgroundTaskTests {
    private struct Trouble: Error {}

    private func run(_ task: BackgroundTask, _ telemetry: Telemetry) -> Task<Void, Never> {
        Task { await task.supervise(telemetry) }
    }

    @Test func `a task that throws is started again and the log says why`() async throws {
        let log = RecordedLog()
        let telemetry = Telemetry(logger: log.logger())
        let runs = telemetry.metrics.counter("runs", help: "")
        let task = BackgroundTask("shaky") {
            runs.increment()
            if runs.value < 3 { throw Trouble() }
            try await Task.sleep(for: .seconds(3600))
        }
        let running = run(task, telemetry)
        try await eventually("the third run goes on") { runs.value == 3 }
        #expect(log.contains("background task failed"))
        #expect(log.contains("shaky"))
        running.cancel()
        await running.value
        #expect(runs.value == 3)
    }

    @Test func `a task that returns is over`() async {
        let telemetry = Telemetry()
        let runs = telemetry.metrics.counter("runs", help: "")
        await run(BackgroundTask("short") { runs.increment() }, telemetry).value
        #expect(runs.value == 1)
    }

    @Test func `a periodic task goes on after an error and counts it`() async throws {
        let telemetry = Telemetry()
        let runs = telemetry.metrics.counter("runs", help: "")
        let task = BackgroundTask.periodic("tidy", every: .milliseconds(5), telemetry: telemetry) {
            runs.increment()
            if runs.value == 1 { throw Trouble() }
        }
        let running = run(task, telemetry)
        try await eventually("it runs again and again") { runs.value >= 3 }
        running.cancel()
        await running.value
        let failures = telemetry.metrics.counter(
            "grapevine_periodic_task_failures_total", help: "", [("task", "tidy")])
        #expect(failures.value == 1)
    }

    @Test func `a check that hangs is not ready`() async {
        let check = ReadinessCheck("stuck") {
            try? await Task.sleep(for: .seconds(3600))
            return .ready
        }
        #expect(await Health.bounded(check) == .notReady("The check took too long."))
    }

    @Test func `news that are old or never came degrade`() async {
        let fresh = ReadinessCheck.freshness("a") { .seconds(1) }
        let old = ReadinessCheck.freshness("b") { .seconds(31) }
        let never = ReadinessCheck.freshness("c") { nil }
        #expect(await fresh.check() == .ready)
        #expect(await old.check() == .degraded("The last contact was 31 s ago."))
        #expect(await never.check() == .degraded("There was no contact yet."))
    }
}
