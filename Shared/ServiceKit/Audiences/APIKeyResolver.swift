package import Contracts

/// Finds the key that a caller shows.
///
/// Client-service looks into its own tables; the others ask it and remember (`PeerAPIKeyResolver`).
package protocol APIKeyResolver: Sendable {
    /// The key with this hash (SHA-256 of the whole text, 32 bytes); nil when there is none or it
    /// was revoked. A suspended client's key is found: the status says so.
    ///
    /// Throws when it cannot be known now; a `Problem` 503 where the caller should retry.
    func resolve(_ hash: [UInt8]) async throws -> ResolvedKey?
}
