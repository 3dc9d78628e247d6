import HTTPKit
import TestKit

/// Stands in for client-service and event-service: real HTTP, a log of one shard in memory, and the
/// keys of two clients.
final class StandInPeers: Sendable {
    let tenant = StandInTenant()
    let other = StandInTenant()
    let log = StandInEventLog()

    func serve() throws -> (server: HTTPServer, port: UInt16) {
        try HTTPServer.internalPeer { group in
            StandInTenant.mount([tenant, other], &group)
            log.mount(&group)
        }
    }
}
