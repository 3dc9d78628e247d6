package import Contracts
package import HTTPKit
package import Kernel
package import SecurityKit
import Synchronization

/// The public keys that member tokens may be signed with.
package protocol MemberKeySource: Sendable {
    /// The key of an id; nil when there is none. Throws 503 when it cannot be known now.
    func key(_ kid: String) async throws(Problem) -> Ed25519PublicKey?
}

/// Keys that are known from the start: client-service's own.
package struct FixedMemberKeys: MemberKeySource {
    private let keys: [String: Ed25519PublicKey]

    package init(_ keys: [Ed25519PublicKey]) {
        self.keys = Dictionary(keys.map { ($0.thumbprint, $0) }) { first, _ in first }
    }

    package func key(_ kid: String) async throws(Problem) -> Ed25519PublicKey? { keys[kid] }
}

/// The key set that client-service publishes, kept in memory.
///
/// Asked for again in the background, and at once for an unknown id, though not more often than
/// every few seconds: anyone can invent ids. While client-service is away, what was fetched counts
/// for five minutes more.
package final class CachedMemberKeys: MemberKeySource {
    /// How often the background asks.
    static let refreshInterval: Duration = .seconds(60)
    /// How long at least between two questions because of unknown ids.
    static let unknownInterval: Duration = .seconds(5)
    /// How long keys outlive client-service, from the last good answer.
    static let staleLifetime: Duration = .seconds(360)

    private struct State {
        var keys: [String: Ed25519PublicKey] = [:]
        var fetchedAt: Duration?
        var triedAt: Duration?
        var hasFailed = false
    }

    private let state = Mutex(State())
    private let flights = SingleFlight<Int, Bool>()
    private let fetch: @Sendable () async throws -> JSONWebKeySet
    private let telemetry: Telemetry
    private let uptime: @Sendable () -> Duration

    /// - Parameters:
    ///   - uptime: a clock that never jumps.
    ///   - fetch: asks for the set.
    package init(
        telemetry: Telemetry, uptime: @escaping @Sendable () -> Duration = Uptime.now,
        fetch: @escaping @Sendable () async throws -> JSONWebKeySet
    ) {
        self.telemetry = telemetry
        self.uptime = uptime
        self.fetch = fetch
    }

    /// From client-service's public route.
    package convenience init(clientService: PeerClient, telemetry: Telemetry) {
        self.init(telemetry: telemetry) {
            var options = CallOptions()
            options.deadline = .seconds(2)
            options.attempts = 2
            let response = try await clientService.get(MemberContracts.keySetPath, options)
            return try JSONCoding.decode(
                JSONWebKeySet.self, from: response.body, strictness: .lenient)
        }
    }

    package func key(_ kid: String) async throws(Problem) -> Ed25519PublicKey? {
        if let key = fresh(kid) { return key }
        let now = uptime()
        let mayAsk = state.withLock { state in
            state.triedAt.map { now - $0 >= Self.unknownInterval } ?? true
        }
        if mayAsk {
            await refresh()
        } else if state.withLock({ $0.fetchedAt == nil }) {
            // The first question may be under way.
            await follow()
        }
        if let key = fresh(kid) { return key }
        let isCurrent = state.withLock { $0.fetchedAt != nil && !$0.hasFailed }
        guard isCurrent else {
            throw .unavailable(
                "token_keys_unavailable",
                "The member token cannot be checked right now. Try again shortly.")
        }
        return nil
    }

    /// Asks now; what is known stays when that fails. Requests at the same time ask once.
    package func refresh() async {
        switch await flights.enter(0, within: .seconds(5)) {
        case .followed, .gaveUp: return
        case .lead:
            // Not a child: a caller that leaves must not take the answer from those who wait.
            flights.finish(0, with: await Task { await ask() }.value)
        }
    }

    /// Asks every minute, until cancelled.
    package func task() -> BackgroundTask {
        BackgroundTask("member-keys") { [self] in
            while !Task.isCancelled {
                await refresh()
                let isKnown = state.withLock { $0.fetchedAt != nil }
                let pause = isKnown ? Self.refreshInterval : Self.unknownInterval
                do {
                    try await Task.sleep(for: pause * Double.random(in: 0.9...1.1))
                } catch { return }
            }
        }
    }

    private func follow() async {
        if case .lead = await flights.enter(0, within: .seconds(5)) {
            flights.finish(0, with: false)
        }
    }

    private func fresh(_ kid: String) -> Ed25519PublicKey? {
        let now = uptime()
        return state.withLock { state in
            guard let fetchedAt = state.fetchedAt, now - fetchedAt < Self.staleLifetime else {
                return nil
            }
            return state.keys[kid]
        }
    }

    private func ask() async -> Bool {
        let asked = uptime()
        state.withLock { $0.triedAt = asked }
        do {
            let keys = MemberTokens.keys(of: try await fetch())
            state.withLock { state in
                state.keys = keys
                state.fetchedAt = asked
                state.hasFailed = false
            }
            return true
        } catch {
            state.withLock { $0.hasFailed = true }
            telemetry.logger.warning(
                "the keys of member tokens cannot be fetched", [("error", .text("\(error)"))])
            return false
        }
    }
}
