package import Contracts
package import HTTPKit
import SecurityKit

/// Asks client-service. Wrap it in a `CachedKeyResolver`.
package struct PeerAPIKeyResolver: APIKeyResolver {
    private let clientService: PeerClient

    package init(clientService: PeerClient) {
        self.clientService = clientService
    }

    /// Two attempts within two seconds: a request waits for this.
    package func resolve(_ hash: [UInt8]) async throws -> ResolvedKey? {
        var options = CallOptions()
        options.deadline = .seconds(2)
        options.attempts = 2
        return try await clientService.call(
            ClientContracts.resolveKey, ResolveKeyRequest(keyHash: Hex.encode(hash)), options
        ).key
    }
}
