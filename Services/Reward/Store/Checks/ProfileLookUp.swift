import Contracts
import HTTPKit
import Kernel

/// Asks client-service for participants' profiles.
struct ProfileLookUp: Sendable {
    private static let deadline = Duration.seconds(4)

    let clientService: PeerClient

    /// The profile as it stands at the position; nil when nothing is known of the participant.
    func find(
        _ participant: ParticipantID, of client: ClientID, at position: String?
    ) async throws -> ParticipantProfile? {
        try await clientService.call(
            ClientContracts.lookUpParticipant,
            LookUpParticipantRequest(clientID: client, participantID: participant),
            CallOptions(position: position, deadline: Self.deadline)
        ).participant
    }

    /// The profiles that checks of one client are about, asked for at once.
    func find(_ calls: [CheckCall]) async -> [Result<ParticipantProfile?, any Error>] {
        if calls.count > 1, let profiles = try? await findTogether(calls) {
            return calls.map { .success(profiles[$0.participantID]) }
        }
        // Alone, or one that cannot be answered must not stand in the way of the others.
        return await withTaskGroup(
            of: (Int, Result<ParticipantProfile?, any Error>).self
        ) { group in
            for (place, call) in calls.enumerated() {
                group.addTask { (place, await findOne(call)) }
            }
            var results = calls.map { _ in
                Result<ParticipantProfile?, any Error>.failure(RewardFailure.changedMeanwhile)
            }
            for await (place, result) in group { results[place] = result }
            return results
        }
    }

    private func findOne(_ call: CheckCall) async -> Result<ParticipantProfile?, any Error> {
        do {
            return .success(
                try await find(call.participantID, of: call.clientID, at: call.position))
        } catch {
            return .failure(error)
        }
    }

    /// All at the latest of the positions: those of one client are of one shard.
    private func findTogether(
        _ calls: [CheckCall]
    ) async throws -> [ParticipantID: ParticipantProfile] {
        let latest = calls.compactMap { $0.position.flatMap { LogPosition($0) } }
            .max { $0.position < $1.position }
        let found = try await clientService.call(
            ClientContracts.lookUpParticipants,
            LookUpParticipantsRequest(
                clientID: calls[0].clientID,
                participantIDs: Array(Set(calls.map(\.participantID)))),
            CallOptions(
                position: latest?.description, deadline: Self.deadline, attempts: 1)
        ).participants
        return Dictionary(found.map { ($0.participantID, $0) }) { first, _ in first }
    }
}
