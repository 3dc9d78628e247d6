import Kernel

/// What somebody did that must stay known.
struct AuditEntry: Sendable, Hashable {
    /// The kinds of deeds.
    enum Action: String, Sendable, Codable, CaseIterable {
        case createClient = "client.create"
        case changeStatus = "client.change_status"
        case moveClock = "client.move_clock"
        case createKey = "key.create"
        case revokeKey = "key.revoke"
        case createMember = "member.create"
        case removeMember = "member.remove"
        case beginSession = "session.begin"
        case endSession = "session.end"
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
struct RecordedEntry: Sendable, Hashable, Codable {
    let sequence: Int
    let clientID: ClientID
    let actor: String
    let action: AuditEntry.Action
    let target: String
    let detail: String
    let at: Timestamp

    private enum CodingKeys: String, CodingKey {
        case sequence, actor, action, target, detail, at
        case clientID = "client_id"
    }
}
