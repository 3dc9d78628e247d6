import Contracts
import FoundationEssentials
package import HTTPKit
package import Kernel
package import SecurityKit

/// A client with a secret key, as client-service would know it.
package struct StandInTenant: Sendable {
    package let clientID = ClientID(UUID())
    package let key = APIKeySecret.generate(kind: .secret, mode: .live)

    package init() {}

    /// Client-service's route that resolves keys, for these clients.
    package static func mount(_ tenants: [StandInTenant], _ group: inout RouteGroup<Void>) {
        group.on(ClientContracts.resolveKey) { input, _, _ in
            let owner = tenants.first { Hex.encode($0.key.hash) == input.keyHash }
            return ResolveKeyResponse(key: owner?.resolvedKey)
        }
    }

    private var resolvedKey: ResolvedKey {
        ResolvedKey(
            keyID: APIKeyID(UUID()), clientID: clientID, kind: .secret, mode: .live, scopes: [],
            origins: [], clientStatus: .active, businessClockOffsetMilliseconds: 0)
    }
}

extension HTTPServer {
    /// Starts a server with internal routes on a free port, which the second value tells.
    package static func internalPeer(
        _ mount: (inout RouteGroup<Void>) -> Void
    ) throws -> (server: HTTPServer, port: UInt16) {
        var router = Router()
        router.group(Audience<Void>.open(prefix: "/internal", bodyLimitBytes: 4 << 20)) {
            mount(&$0)
        }
        var configuration = HTTPServerConfiguration()
        configuration.port = 0
        let server = HTTPServer(router: router, configuration: configuration, world: World())
        return (server, try server.start())
    }
}
