import Contracts
import HTTPKit
import Kernel
import Synchronization
import TestKit

/// Stands in for client-service and event-service: real HTTP, a log of one shard in memory, a few
/// keys, and participants that are all known unless said otherwise.
final class StandInPeers: Sendable {
    private struct State {
        var unknownParticipants: Set<ParticipantID> = []
        var trustedTraits: [ParticipantID: JSONValue] = [:]
        var isClientServiceAway = false
        var refusesSeveral = false
        var positions: [String?] = []
    }

    let tenant = StandInTenant()
    let other = StandInTenant()
    let log = StandInEventLog()
    private let state = Mutex(State())

    /// The positions that participant look-ups carried.
    var lookUpPositions: [String?] { state.withLock { $0.positions } }

    func forget(_ participant: ParticipantID) {
        _ = state.withLock { $0.unknownParticipants.insert(participant) }
    }

    func tell(_ traits: JSONValue, of participant: ParticipantID) {
        state.withLock { $0.trustedTraits[participant] = traits }
    }

    /// As a client-service that is older than the question about several participants.
    func refuseSeveral() {
        state.withLock { $0.refusesSeveral = true }
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
            group.on(ClientContracts.lookUpParticipants) { input, request, _ in
                if self.state.withLock(\.refusesSeveral) { throw Problem.notFound("route") }
                return
                    LookUpParticipantsResponse(
                        participants: try input.participantIDs.compactMap { participant in
                            try self.lookUp(
                                LookUpParticipantRequest(
                                    clientID: input.clientID, participantID: participant), request)
                        })
            }
        }
    }

    private func lookUp(
        _ input: LookUpParticipantRequest, _ request: HTTPRequest
    ) throws -> ParticipantProfile? {
        let (isAway, isUnknown, traits) = state.withLock { state in
            state.positions.append(request.headers[LogPosition.headerName])
            return (
                state.isClientServiceAway,
                state.unknownParticipants.contains(input.participantID),
                state.trustedTraits[input.participantID] ?? [:]
            )
        }
        if isAway { throw Problem.unavailable() }
        if isUnknown { return nil }
        let seen = Timestamp(microseconds: 1_700_000_000_000_000)
        return ParticipantProfile(
            participantID: input.participantID, clientID: input.clientID, externalID: "user-1",
            traits: ["plan": "pro"], trustedTraits: traits, firstSeenAt: seen, lastSeenAt: seen,
            signedUpAt: seen)
    }
}
