import HTTPKit
import Kernel
import Synchronization

/// Remembers what client-service said of keys or sessions, as long as `KeyCachePolicy` lets it be
/// believed.
///
/// Bounded; questions for one key ask once. Messages of the log drop what they make doubtful; an
/// answer that was under way when a message came is given but not remembered.
final class StandingCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    /// The most keys that are remembered, and as many that belong to nothing.
    private static var maximumEntries: Int { 20_000 }
    /// How long to go without asking after a failure, for keys that are known.
    private static var pauseAfterFailure: Duration { .seconds(1) }

    private struct Entry {
        let value: Value?
        let confirmedAt: Duration
    }

    private struct State {
        var known: [Key: Entry] = [:]
        var unknown: [Key: Entry] = [:]
        /// Counts invalidations.
        var generation = 0
        /// When the upstream first failed after it last answered.
        var failingSince: Duration?
        var lastFailure: Duration?

        mutating func remember(_ entry: Entry, of key: Key) {
            if entry.value != nil {
                unknown[key] = nil
                known[key] = entry
                Self.bound(&known)
            } else {
                known[key] = nil
                unknown[key] = entry
                Self.bound(&unknown)
            }
        }

        /// Keeps the newer half when there are too many.
        private static func bound(_ entries: inout [Key: Entry]) {
            guard entries.count > maximumEntries else { return }
            let times = entries.values.map(\.confirmedAt).sorted()
            let median = times[times.count / 2]
            entries = entries.filter { $0.value.confirmedAt > median }
        }
    }

    private struct FlightKey: Hashable {
        let key: Key
        let generation: Int
    }

    /// A struct around the closure: a mutex over the closure itself would wrap it in one more
    /// thunk each time it is read.
    private struct Watch: Sendable {
        let contactAge: @Sendable () -> Duration?
    }

    private enum Outcome: Sendable {
        case answered(Value?)
        case failed
    }

    private let name: String
    private let upstream: @Sendable (Key) async throws -> Value?
    private let uptime: @Sendable () -> Duration
    private let logger: Logger
    private let state = Mutex(State())
    private let watch = Mutex(Watch { nil })
    private let flights = SingleFlight<FlightKey, Outcome>()
    private let staleUses: Counter

    /// - Parameters:
    ///   - name: what is looked up, in the plural, for the log (`API keys`).
    ///   - staleUses: counts what was believed although client-service was away.
    ///   - uptime: a clock that never jumps.
    init(
        _ name: String, telemetry: Telemetry, staleUses: Counter,
        uptime: @escaping @Sendable () -> Duration,
        upstream: @escaping @Sendable (Key) async throws -> Value?
    ) {
        self.name = name
        self.upstream = upstream
        self.uptime = uptime
        self.staleUses = staleUses
        logger = telemetry.logger
    }

    /// Tells how old the last good contact with the log is; until then it counts as none.
    func watch(contactAge: @escaping @Sendable () -> Duration?) {
        watch.withLock { $0 = Watch(contactAge: contactAge) }
    }

    /// From memory or from upstream. Throws `unavailable` when it cannot be known now.
    func resolve(
        _ key: Key, unavailable: @autoclosure () -> Problem
    ) async throws(Problem) -> Value? {
        let age = watch.withLock { $0 }.contactAge()
        let (entry, generation) = state.withLock {
            ($0.known[key] ?? $0.unknown[key], $0.generation)
        }
        if KeyCachePolicy.decide(aged(entry), contactAge: age) == .use { return entry?.value }
        if let value = duringOutage(entry, ifFailedWithin: Self.pauseAfterFailure) { return value }
        switch await ask(key, generation) {
        case .answered(let value):
            return value
        case .failed:
            if let value = duringOutage(entry, ifFailedWithin: nil) { return value }
            throw unavailable()
        }
    }

    /// Forgets one key, whether it was known or not.
    func forget(_ key: Key) {
        state.withLock { state in
            state.generation += 1
            state.known[key] = nil
            state.unknown[key] = nil
        }
    }

    /// Forgets all that is known and fits.
    func forget(where fits: (Value) -> Bool) {
        state.withLock { state in
            state.generation += 1
            state.known = state.known.filter { !($0.value.value.map(fits) ?? false) }
        }
    }

    /// Forgets everything, when news may have been missed.
    func forgetAll() {
        state.withLock { state in
            state.generation += 1
            state.known = [:]
            state.unknown = [:]
        }
    }

    private func aged(_ entry: Entry?) -> KeyCachePolicy.Entry {
        guard let entry else { return .absent }
        let age = uptime() - entry.confirmedAt
        return entry.value == nil ? .unknown(age: age) : .known(age: age)
    }

    /// The remembered value when upstream is failing and it may still be believed.
    private func duringOutage(_ entry: Entry?, ifFailedWithin limit: Duration?) -> Value? {
        let (since, last) = state.withLock { ($0.failingSince, $0.lastFailure) }
        let now = uptime()
        guard let since, let last, limit.map({ now - last < $0 }) ?? true,
            KeyCachePolicy.decideInOutage(aged(entry), outage: now - since) == .useStale
        else { return nil }
        staleUses.increment()
        return entry?.value
    }

    private func ask(_ key: Key, _ generation: Int) async -> Outcome {
        let flight = FlightKey(key: key, generation: generation)
        switch await flights.enter(flight, within: .seconds(5)) {
        case .followed(let outcome): return outcome
        case .gaveUp: return .failed
        case .lead:
            // Not a child: a caller that leaves must not take the answer from those who wait.
            let outcome = await Task { await askUpstream(key, generation) }.value
            flights.finish(flight, with: outcome)
            return outcome
        }
    }

    private func askUpstream(_ key: Key, _ generation: Int) async -> Outcome {
        // The age counts from before the question: what was true then may change while we wait.
        let asked = uptime()
        do {
            let value = try await upstream(key)
            state.withLock { state in
                state.failingSince = nil
                state.lastFailure = nil
                guard state.generation == generation else { return }
                state.remember(Entry(value: value, confirmedAt: asked), of: key)
            }
            return .answered(value)
        } catch {
            let isFirst = state.withLock { state in
                defer { state.failingSince = state.failingSince ?? uptime() }
                state.lastFailure = uptime()
                return state.failingSince == nil
            }
            if isFirst {
                logger.warning("\(name) cannot be checked", [("error", .text("\(error)"))])
            }
            return .failed
        }
    }
}

/// A clock that never jumps.
package enum Uptime {
    private static let origin = ContinuousClock.now

    /// Time since the process first asked.
    package static func now() -> Duration { origin.duration(to: .now) }
}
