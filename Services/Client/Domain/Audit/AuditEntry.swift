import Kernel

/// What somebody did that must stay known.
struct AuditEntry: Sendable, Hashable {
    /// The kinds of deeds.
    enum Action: String, Sendable, CaseIterable {
        case createClient = "client.create"
        case changeStatus = "client.change_status"
        case moveClock = "client.move_clock"
        case createKey = "key.create"
        case revokeKey = "key.revoke"
    }

    let clientID: ClientID
    /// `staff:<subject>` or the id of a key or member.
    let actor: String
    let action: Action
    /// The id of what it was done to.
    let target: String
    /// What changed and why; no secrets.
    let detail: String
    let at: Timestamp
}

/// An entry as it is read.
struct RecordedEntry: Sendable, Hashable, Encodable {
    let sequence: Int
    let entry: AuditEntry

    private enum CodingKeys: String, CodingKey {
        case sequence, actor, action, target, detail, at
        case clientID = "client_id"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(sequence, forKey: .sequence)
        try container.encode(entry.clientID, forKey: .clientID)
        try container.encode(entry.actor, forKey: .actor)
        try container.encode(entry.action.rawValue, forKey: .action)
        try container.encode(entry.target, forKey: .target)
        try container.encode(entry.detail, forKey: .detail)
        try container.encode(entry.at, forKey: .at)
    }
}
