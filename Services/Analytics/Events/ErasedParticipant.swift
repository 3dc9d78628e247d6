import Contracts
import HTTPKit
import Kernel

/// Whom a message says to forget.
struct ErasedParticipant: Sendable, Hashable {
    let clientID: ClientID
    let participantID: ParticipantID?
    let anonymousIDs: [String]

    /// Nil for every other event.
    init?(_ event: LogEvent) {
        guard event.type == ParticipantErased.type, event.trust == .internal,
            let bytes = try? event.content.json,
            let message = try? JSONCoding.decode(
                ParticipantErased.self, from: bytes, strictness: .lenient)
        else { return nil }
        clientID = event.clientID
        participantID = message.participantID
        anonymousIDs = message.anonymousIDs
    }
}
