package import Contracts
package import Kernel
import SecurityKit
import Synchronization

/// Remembers what another resolver said, as long as `KeyCachePolicy` lets it be believed.
///
/// Bounded; requests for one key ask once. Messages of the log drop what they make doubtful; an
/// answer that was under way when a message came is given but not remembered.
package final class CachedKeyResolver: APIKeyResolver {
    /// The most keys that are remembered, and as many hashes that belong to none.
    static let maximumEntries = 20_000
    /// How long to go without asking after a failure, for keys that are known.
    static let pauseAfterFailure: Duration = .seconds(1)

    private struct Entry {
        let key: ResolvedKey?
        let confirmedAt: Duration
    }

    private typealias Entries = [[UInt8]: Entry]

    private struct State {
        var known: Entries = [:]
        var unknown: Entries = [:]
        /// Counts invalidations.
        var generation = 0
        /// When the upstream first failed after it last answered.
        var failingSince: Duration?
        var lastFailure: Duration?

        mutating func remember(_ entry: Entry, of hash: [UInt8]) {
            if entry.key != nil {
                unknown[hash] = nil
                known[hash] = entry
                Self.bound(&known)
            } else {
                known[hash] = nil
                unknown[hash] = entry
                Self.bound(&unknown)
            }
        }

        /// Keeps the newer half when there are too many.
        private static func bound(_ entries: inout Entries) {
            guard entries.count > maximumEntries else { return }
            let times = entries.values.map(\.confirmedAt).sorted()
            let median = times[times.count / 2]
            entries = entries.filter { $0.value.confirmedAt > median }
        }
    }

    private struct FlightKey: Hashable {
        let hash: [UInt8]
        let generation: Int
    }

    /// A struct around the closure: a mutex over the closure itself would wrap it in one more
    /// thunk each time it is read.
    private struct Watch: Sendable {
        let contactAge: @Sendable () -> Duration?
    }

    private enum Outcome: Sendable {
        case answered(ResolvedKey?)
        case failed
    }

    private let upstream: any APIKeyResolver
    private let uptime: @Sendable () -> Duration
    private let logger: Logger
    private let state = Mutex(State())
    private let watch = Mutex(Watch { nil })
    private let flights = SingleFlight<FlightKey, Outcome>()
    private let staleUses: Counter

    /// - Parameter uptime: a clock that never jumps.
    package init(
        upstream: any APIKeyResolver, telemetry: Telemetry,
        uptime: @escaping @Sendable () -> Duration = Uptime.now
    ) {
        self.upstream = upstream
        self.uptime = uptime
        logger = telemetry.logger
        staleUses = telemetry.metrics.counter(
            "grapevine_key_cache_stale_uses_total",
            help: "Requests let in by a remembered key while client-service was away.")
    }

    /// Tells how old the last good contact with the log is; until then it counts as none.
    package func watch(contactAge: @escaping @Sendable () -> Duration?) {
        watch.withLock { $0 = Watch(contactAge: contactAge) }
    }

    /// From memory or from upstream. Throws 503 `keys_unavailable` when it cannot be known now.
    package func resolve(_ hash: [UInt8]) async throws -> ResolvedKey? {
        let age = watch.withLock { $0 }.contactAge()
        let (entry, generation) = state.withLock {
            ($0.known[hash] ?? $0.unknown[hash], $0.generation)
        }
        if KeyCachePolicy.decide(aged(entry), contactAge: age) == .use { return entry?.key }
        if let key = duringOutage(entry, ifFailedWithin: Self.pauseAfterFailure) { return key }
        switch await ask(hash, generation) {
        case .answered(let key):
            return key
        case .failed:
            if let key = duringOutage(entry, ifFailedWithin: nil) { return key }
            throw Problem.unavailable(
                "keys_unavailable", "The API key cannot be checked right now. Try again shortly.")
        }
    }

    /// Forgets what these events make doubtful.
    package func invalidate(_ events: [LogEvent]) {
        state.withLock { state in
            for event in events where ClientMessage.all.contains(event.type) {
                state.generation += 1
                if let text = event.properties["key_hash"]?.string, let hash = Hex.decode(text) {
                    state.known[hash] = nil
                    state.unknown[hash] = nil
                } else {
                    state.known = state.known.filter { $0.value.key?.clientID != event.clientID }
                }
            }
        }
    }

    /// Forgets everything, when events may have been missed.
    package func invalidateAll() {
        state.withLock { state in
            state.generation += 1
            state.known = [:]
            state.unknown = [:]
        }
    }

    private func aged(_ entry: Entry?) -> KeyCachePolicy.Entry {
        guard let entry else { return .absent }
        let age = uptime() - entry.confirmedAt
        return entry.key == nil ? .unknown(age: age) : .known(age: age)
    }

    /// The remembered key when upstream is failing and the key may still be believed.
    private func duringOutage(_ entry: Entry?, ifFailedWithin limit: Duration?) -> ResolvedKey? {
        let (since, last) = state.withLock { ($0.failingSince, $0.lastFailure) }
        let now = uptime()
        guard let since, let last, limit.map({ now - last < $0 }) ?? true,
            KeyCachePolicy.decideInOutage(aged(entry), outage: now - since) == .useStale
        else { return nil }
        staleUses.increment()
        return entry?.key
    }

    private func ask(_ hash: [UInt8], _ generation: Int) async -> Outcome {
        let flight = FlightKey(hash: hash, generation: generation)
        switch await flights.enter(flight, within: .seconds(5)) {
        case .followed(let outcome): return outcome
        case .gaveUp: return .failed
        case .lead:
            // Not a child: a caller that leaves must not take the answer from those who wait.
            let outcome = await Task { await askUpstream(hash, generation) }.value
            flights.finish(flight, with: outcome)
            return outcome
        }
    }

    private func askUpstream(_ hash: [UInt8], _ generation: Int) async -> Outcome {
        // The age counts from before the question: what was true then may change while we wait.
        let asked = uptime()
        do {
            let key = try await upstream.resolve(hash)
            state.withLock { state in
                state.failingSince = nil
                state.lastFailure = nil
                guard state.generation == generation else { return }
                state.remember(Entry(key: key, confirmedAt: asked), of: hash)
            }
            return .answered(key)
        } catch {
            let isFirst = state.withLock { state in
                defer { state.failingSince = state.failingSince ?? uptime() }
                state.lastFailure = uptime()
                return state.failingSince == nil
            }
            if isFirst {
                logger.warning("API keys cannot be checked", [("error", .text("\(error)"))])
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
