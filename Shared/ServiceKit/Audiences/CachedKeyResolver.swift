package import Contracts
package import Kernel
import SecurityKit

/// Remembers what another resolver said of keys, as long as `KeyCachePolicy` lets it be believed.
package final class CachedKeyResolver: APIKeyResolver {
    private let cache: StandingCache<[UInt8], ResolvedKey>

    /// - Parameter uptime: a clock that never jumps.
    package init(
        upstream: any APIKeyResolver, telemetry: Telemetry,
        uptime: @escaping @Sendable () -> Duration = Uptime.now
    ) {
        let staleUses = telemetry.metrics.counter(
            "grapevine_key_cache_stale_uses_total",
            help: "Requests let in by a remembered key while client-service was away.")
        cache = StandingCache(
            "API keys", telemetry: telemetry, staleUses: staleUses, uptime: uptime,
            upstream: { try await upstream.resolve($0) })
    }

    /// Tells how old the last good contact with the log is; until then it counts as none.
    package func watch(contactAge: @escaping @Sendable () -> Duration?) {
        cache.watch(contactAge: contactAge)
    }

    /// From memory or from upstream. Throws 503 `keys_unavailable` when it cannot be known now.
    package func resolve(_ hash: [UInt8]) async throws -> ResolvedKey? {
        try await cache.resolve(
            hash,
            unavailable: .unavailable(
                "keys_unavailable", "The API key cannot be checked right now. Try again shortly."))
    }

    /// Forgets what these events make doubtful.
    package func invalidate(_ events: [LogEvent]) {
        for event in events where ClientMessage.all.contains(event.type) {
            if let text = event.properties["key_hash"]?.string, let hash = Hex.decode(text) {
                cache.forget(hash)
            } else {
                cache.forget { $0.clientID == event.clientID }
            }
        }
    }

    /// Forgets everything, when events may have been missed.
    package func invalidateAll() { cache.forgetAll() }
}
