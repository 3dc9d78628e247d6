package import Kernel

/// The message that a person was erased from the log: everybody forgets what they keep of the
/// person, except for books that must stand (rewards, the ledger), which know only the id.
package struct ParticipantErased: Sendable, Hashable, Codable {
    package static let type = "participant.erased"

    /// Nil for a visitor who never had an id of the client's own.
    package let participantID: ParticipantID?
    /// The browsers' and devices' ids of the person.
    package let anonymousIDs: [String]

    private enum CodingKeys: String, CodingKey {
        case participantID = "participant_id"
        case anonymousIDs = "anonymous_ids"
    }

    package init(participantID: ParticipantID?, anonymousIDs: [String]) {
        self.participantID = participantID
        self.anonymousIDs = anonymousIDs
    }
}
