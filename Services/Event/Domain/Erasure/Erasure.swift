import Kernel

enum ErasureTag: IDTag { static let prefix = "ers" }

/// A client's order to forget a person.
typealias ErasureID = TypeID<ErasureTag>

/// How far an erasure is, as the portal shows it. Whose it is stands only in the database, and only
/// until it is done.
struct Erasure: Sendable, Codable {
    enum Status: String, Sendable, Codable {
        /// The log is being rewritten, as far as every subscriber has read it.
        case running
        case done
    }

    let erasureID: ErasureID
    let status: Status
    /// Events of the log that are blank now.
    let eventsErased: Int
    let requestedAt: Timestamp
    let finishedAt: Timestamp?

    private enum CodingKeys: String, CodingKey {
        case status
        case erasureID = "erasure_id"
        case eventsErased = "events_erased"
        case requestedAt = "requested_at"
        case finishedAt = "finished_at"
    }
}

/// Who is to be forgotten.
struct ErasedPerson: Sendable, Hashable {
    /// The client's own id; nil for a visitor who never had one.
    let externalID: String?
    /// The visitor's, as asked for and as found beside the external id.
    var anonymousIDs: Set<String>

    /// Whether an event is this person's. One that names another person is that other's, whatever
    /// device both used.
    func owns(externalID: String?, anonymousID: String?) -> Bool {
        if let externalID { return externalID == self.externalID }
        return anonymousID.map(anonymousIDs.contains) ?? false
    }
}
