import Contracts
import HTTPKit
import Kernel
import SecurityKit

/// What the other services ask.
struct LookUps: Sendable {
    let keys: KeyStore
    let participants: ParticipantStore
    let sessions: SessionStore
    let clock: any TimeSource

    /// `POST /internal/keys/resolve`: straight from the table, so that what was revoked is gone.
    func key(_ input: ResolveKeyRequest) async throws -> ResolveKeyResponse {
        guard let hash = Hex.decode(input.keyHash), hash.count == Digest.byteCount else {
            throw Problem.badRequest(
                "invalid_key_hash", "Send 64 hexadecimal digits.", pointer: "/key_hash")
        }
        return ResolveKeyResponse(key: try await keys.resolve(hash))
    }

    /// `POST /internal/keys/find`
    func isInUse(_ input: FindKeyRequest) async throws -> FindKeyResponse {
        FindKeyResponse(isInUse: try await keys.isInUse(input.keyID, of: input.clientID))
    }

    /// `POST /internal/sessions/resolve`: straight from the table, so that what ended is gone.
    func session(_ input: ResolveSessionRequest) async throws -> ResolveSessionResponse {
        ResolveSessionResponse(
            session: try await sessions.resolve(input.sessionID, at: clock.now()))
    }

    /// `POST /internal/participants/look-up`
    func participant(
        _ input: LookUpParticipantRequest
    ) async throws -> LookUpParticipantResponse {
        LookUpParticipantResponse(
            participant: try await participants.find(input.participantID, of: input.clientID))
    }

    /// `POST /internal/participants/look-up-several`
    func profiles(
        _ input: LookUpParticipantsRequest
    ) async throws -> LookUpParticipantsResponse {
        let limit = LookUpParticipantsRequest.maximumParticipants
        guard (1...limit).contains(input.participantIDs.count) else {
            throw Problem.badRequest(
                "invalid_value", "Ask for 1 to \(limit) participants.",
                pointer: "/participant_ids")
        }
        return LookUpParticipantsResponse(
            participants: try await participants.find(input.participantIDs, of: input.clientID))
    }
}
