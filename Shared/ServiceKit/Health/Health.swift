import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import RedisKit
import Synchronization

/// `/healthz`, `/readyz` and `/metrics` of one service. For anyone who reaches the listener; the
/// gateway routes none of them.
final class Health: Sendable {
    /// Where the process is in its life.
    enum Phase: String, Sendable {
        case starting, running, draining
    }

    /// How long one check may take.
    static let checkLimit: Duration = .seconds(2)

    private let checks: [ReadinessCheck]
    private let telemetry: Telemetry
    private let phase = Mutex(Phase.starting)
    private let startedAt = ContinuousClock.now

    init(checks: [ReadinessCheck], telemetry: Telemetry) {
        self.checks = checks
        self.telemetry = telemetry
    }

    func setPhase(_ phase: Phase) {
        self.phase.withLock { $0 = phase }
    }

    /// The database must answer; Redis should.
    static func standardChecks(_ resources: ServiceResources) -> [ReadinessCheck] {
        let postgres = resources.postgres
        let database = ReadinessCheck("database") {
            do {
                try await postgres.ping()
                return .ready
            } catch {
                return .notReady("The database does not answer.")
            }
        }
        guard let redis = resources.redis else {
            return [database, ReadinessCheck("redis") { .degraded("Running without Redis.") }]
        }
        let cache = ReadinessCheck("redis") {
            do {
                try await redis.ping()
                return .ready
            } catch {
                return .degraded("Redis does not answer; limits are open, wake-ups are polled.")
            }
        }
        return [database, cache]
    }

    func mount(_ router: inout Router, service: ServiceName) {
        router.group(Audience<Void>.open()) { routes in
            routes.get("/healthz") { _, _ in
                .json(["status": "ok", "service": service.executableName])
            }
            routes.get("/readyz") { _, _ in await self.readiness() }
            routes.get("/metrics") { _, _ in
                self.observeProcess()
                return .text(
                    self.telemetry.metrics.render(),
                    contentType: "text/plain; version=0.0.4; charset=utf-8")
            }
        }
    }

    private struct Report: Encodable {
        struct Check: Encodable {
            let status: String
            let detail: String?
        }

        let status: String
        let phase: String
        let checks: [String: Check]
    }

    private func readiness() async -> HTTPResponse {
        let states = await withTaskGroup(of: (String, ReadinessCheck.State).self) { group in
            for check in checks {
                group.addTask { (check.name, await Self.bounded(check)) }
            }
            return await group.reduce(into: [String: ReadinessCheck.State]()) { $0[$1.0] = $1.1 }
        }
        let phase = phase.withLock { $0 }
        var status = "ready"
        if states.values.contains(where: { $0.isDegraded }) { status = "degraded" }
        if phase != .running || states.values.contains(where: { $0.isNotReady }) {
            status = "not_ready"
        }
        let report = Report(
            status: status, phase: phase.rawValue,
            checks: states.mapValues { Report.Check(status: $0.word, detail: $0.detail) })
        return .json(report, status: status == "not_ready" ? 503 : 200)
    }

    static func bounded(_ check: ReadinessCheck) async -> ReadinessCheck.State {
        await withTaskGroup(of: ReadinessCheck.State.self) { group in
            group.addTask { await check.check() }
            group.addTask {
                try? await Task.sleep(for: checkLimit)
                return .notReady("The check took too long.")
            }
            defer { group.cancelAll() }
            return await group.next() ?? .notReady("The check gave no answer.")
        }
    }

    private func observeProcess() {
        let metrics = telemetry.metrics
        let uptime = startedAt.duration(to: .now)
        metrics.gauge("grapevine_process_uptime_seconds", help: "Time since the process started.")
            .set(Int(uptime.components.seconds))
        if let pages = Self.residentPages() {
            metrics.gauge(
                "grapevine_process_resident_memory_bytes", help: "Memory of the process in use."
            ).set(pages * 4096)
        }
    }

    private static func residentPages() -> Int? {
        guard let data = FileManager.default.contents(atPath: "/proc/self/statm") else {
            return nil
        }
        let words = String(decoding: data, as: UTF8.self).split(separator: " ")
        return words.count > 1 ? Int(words[1]) : nil
    }
}

extension ReadinessCheck.State {
    fileprivate var isDegraded: Bool { if case .degraded = self { true } else { false } }
    fileprivate var isNotReady: Bool { if case .notReady = self { true } else { false } }

    fileprivate var word: String {
        switch self {
        case .ready: "ready"
        case .degraded: "degraded"
        case .notReady: "not_ready"
        }
    }

    fileprivate var detail: String? {
        switch self {
        case .ready: nil
        case .degraded(let text), .notReady(let text): text
        }
    }
}
