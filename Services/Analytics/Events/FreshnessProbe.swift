import Contracts
import FoundationEssentials
import Kernel
import MessagingKit

/// Sends an event of our own through the log every few seconds and measures how long it takes until
/// ClickHouse shows it: what every client's event takes, measured where it ends.
///
/// It belongs to no client, so it is in nobody's numbers. One is on its way at a time; while it
/// does not arrive, the measured time grows.
struct FreshnessProbe: Sendable {
    static let type = "analytics.probed"
    /// Nobody's.
    static let clientID = ClientID(.zero)

    private static let lookInterval = Duration.milliseconds(100)
    private static let longestLookInterval = Duration.seconds(2)

    let log: any LogPort
    let archive: EventArchive
    let interval: Duration
    let world: World
    private let freshness: DurationGauge
    private let failures: Counter

    init(log: any LogPort, archive: EventArchive, interval: Duration, world: World) {
        self.log = log
        self.archive = archive
        self.interval = interval
        self.world = world
        freshness = world.telemetry.metrics.durationGauge(
            "grapevine_analytics_freshness_seconds",
            help: "From an event's acceptance until ClickHouse shows it, measured by a probe.")
        failures = world.telemetry.metrics.counter(
            "grapevine_analytics_probe_failures_total",
            help: "Probes that the log did not take.")
    }

    /// Works until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            let turn = ContinuousClock.now + interval * Double.random(in: 0.9...1.1)
            if let id = await send() { await watch(id) }
            try? await Task.sleep(until: turn, clock: .continuous)
        }
    }

    /// Returns when the log has it; nil when it did not take it.
    private func send() async -> String? {
        let id = world.ids.next().uuidString
        do {
            _ = try await log.append([
                LogMessage(
                    id: id, type: Self.type, clientID: Self.clientID,
                    occurredAt: world.clock.now(), data: .object([:]))
            ])
            return id
        } catch {
            failures.increment()
            return nil
        }
    }

    private func watch(_ id: String) async {
        let accepted = ContinuousClock.now
        let first = world.clock.now() - .seconds(60)
        var pause = Self.lookInterval
        while !Task.isCancelled {
            let isThere = try? await archive.shows(
                id, of: Self.clientID, type: Self.type, since: first)
            let spent = accepted.duration(to: .now)
            if isThere == true {
                freshness.set(spent)
                return
            }
            freshness.set(max(spent, freshness.value))
            try? await Task.sleep(for: pause)
            if spent > interval { pause = Self.longestLookInterval }
        }
    }

    /// How old the youngest of our numbers is at most; nil before the first probe arrived.
    var measured: Duration? { freshness.value > .zero ? freshness.value : nil }
}
