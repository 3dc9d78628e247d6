import Contracts
import Kernel

/// A tenant as it stands.
struct Client: Sendable, Hashable, Codable {
    let clientID: ClientID
    let name: String
    let mode: ClientMode
    private(set) var status: ClientStatus
    /// How far ahead of the system clock the client's business clock runs.
    private(set) var businessClockOffsetMilliseconds: Int64
    /// Counts every change, from 1; names the message that tells of it.
    private(set) var version: Int
    let createdAt: Timestamp
    private(set) var updatedAt: Timestamp

    private enum CodingKeys: String, CodingKey {
        case name, mode, status, version
        case clientID = "client_id"
        case businessClockOffsetMilliseconds = "business_clock_offset_milliseconds"
        case createdAt = "created_at"
        case updatedAt = "updated_at"
    }

    init(
        clientID: ClientID, name: String, mode: ClientMode, status: ClientStatus = .active,
        businessClockOffsetMilliseconds: Int64 = 0, version: Int = 1, createdAt: Timestamp,
        updatedAt: Timestamp
    ) {
        self.clientID = clientID
        self.name = name
        self.mode = mode
        self.status = status
        self.businessClockOffsetMilliseconds = businessClockOffsetMilliseconds
        self.version = version
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    /// Two changes have two ids, a repeat of one has the same.
    var messageID: String { "\(clientID)/\(version)" }

    /// What the others are told.
    var news: ClientChange {
        ClientChange(
            status: status, mode: mode,
            businessClockOffsetMilliseconds: businessClockOffsetMilliseconds)
    }

    /// The client's own time.
    func businessTime(at now: Timestamp) -> Timestamp {
        now + .milliseconds(businessClockOffsetMilliseconds)
    }
}

// MARK: - Changes

extension Client {
    /// The furthest that a test client's clock may run ahead: ten years.
    static let maximumOffsetMilliseconds: Int64 = 10 * 365 * 86_400_000

    /// The client in another status; the same when it has it already. Throws when it cannot be had.
    func with(status wanted: ClientStatus, at now: Timestamp) throws(ClientFailure) -> Client {
        guard wanted != status else { return self }
        switch (status, wanted) {
        case (.active, .suspended), (.suspended, .active), (_, .closed): break
        default: throw .illegalTransition(from: status, to: wanted)
        }
        var client = changed(at: now)
        client.status = wanted
        return client
    }

    /// The client with its clock moved; the same when it stands there already. Live clients have
    /// no clock of their own, and no clock goes back: what has happened stays happened.
    func with(
        clockOffsetMilliseconds offset: Int64, at now: Timestamp
    ) throws(ClientFailure) -> Client {
        guard mode == .test else { throw .notInTestMode }
        guard status != .closed else { throw .closed }
        guard offset >= businessClockOffsetMilliseconds else {
            throw .clockGoesBack(from: businessClockOffsetMilliseconds)
        }
        guard offset != businessClockOffsetMilliseconds else { return self }
        var client = changed(at: now)
        client.businessClockOffsetMilliseconds = offset
        return client
    }

    /// The client with its clock moved forward by so much.
    func withClock(
        advancedBySeconds seconds: Int64, at now: Timestamp
    ) throws(ClientFailure) -> Client {
        // Within bounds, so that nothing overflows: both are at most ten years.
        guard seconds <= Self.maximumOffsetMilliseconds / 1000 else { throw .clockTooFar }
        let offset = businessClockOffsetMilliseconds + seconds * 1000
        let client = try with(clockOffsetMilliseconds: offset, at: now)
        guard offset <= Self.maximumOffsetMilliseconds else { throw .clockTooFar }
        return client
    }

    private func changed(at now: Timestamp) -> Client {
        var client = self
        client.version += 1
        client.updatedAt = now
        return client
    }
}
