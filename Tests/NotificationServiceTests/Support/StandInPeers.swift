import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import Synchronization
import TestKit

/// Stands in for client-service and event-service: real HTTP, a log of one shard in memory, two
/// clients with a key each, and participants that are all known unless said otherwise.
final class StandInPeers: Sendable {
    private struct State {
        var traits: [ParticipantID: JSONValue] = [:]
        var isClientServiceAway = false
        var positions: [String?] = []
    }

    let tenant = StandInTenant()
    let other = StandInTenant()
    let log = StandInEventLog()
    private let state = Mutex(State())

    /// The positions that participant look-ups carried.
    var lookUpPositions: [String?] { state.withLock { $0.positions } }

    /// A participant with these trusted traits.
    func participant(_ traits: JSONValue) -> ParticipantID {
        let id = ParticipantID(UUID())
        state.withLock { $0.traits[id] = traits }
        return id
    }

    func setClientServiceAway(_ isAway: Bool) {
        state.withLock { $0.isClientServiceAway = isAway }
    }

    func serve() throws -> (server: HTTPServer, port: UInt16) {
        try HTTPServer.internalPeer { group in
            StandInTenant.mount([tenant, other], &group)
            log.mount(&group)
            group.on(ClientContracts.lookUpParticipant) { input, request, _ in
                LookUpParticipantResponse(participant: try self.lookUp(input, request))
            }
        }
    }

    private func lookUp(
        _ input: LookUpParticipantRequest, _ request: HTTPRequest
    ) throws -> ParticipantProfile? {
        let (isAway, traits) = state.withLock { state in
            state.positions.append(request.headers[LogPosition.headerName])
            return (state.isClientServiceAway, state.traits[input.participantID])
        }
        if isAway { throw Problem.unavailable() }
        guard let traits else { return nil }
        let seen = Timestamp(microseconds: 1_700_000_000_000_000)
        return ParticipantProfile(
            participantID: input.participantID, clientID: input.clientID, externalID: "user-1",
            traits: ["email": "forged@attacker.example", "first_name": "Forged"],
            trustedTraits: traits, firstSeenAt: seen, lastSeenAt: seen, signedUpAt: seen)
    }
}
