import Contracts
import FoundationEssentials
import Kernel

enum RejectionTag: IDTag { static let prefix = "rej" }

/// One event that was not taken. Ids grow with time.
typealias RejectionID = TypeID<RejectionTag>

/// An event that was not taken, with all that is kept of it.
struct RejectedEvent: Sendable {
    /// What is kept of a body, in bytes.
    static let maximumBytes = 32 << 10
    /// What is kept of every other text, in characters.
    private static let maximumCharacters = 200

    let rejectionID: RejectionID
    let clientID: ClientID
    let receivedAt: Timestamp
    let reason: EventRejection
    let eventID: String?
    let door: EventDoor
    let trust: Trust
    /// Its bytes are the beginning when there were more, and absent in lists.
    let sent: SentEvent
    /// How many bytes were sent, and how many of them are kept.
    let sentBytes: Int
    let keptBytes: Int
    /// The last request that sent it again, finished or not.
    var replayID: UUID?
    var replay: Replay?

    /// What became of it when it was sent again.
    struct Replay: Sendable {
        enum Status: String, Sendable, Codable, CaseIterable {
            case accepted, duplicate, conflict, rejected

            /// Whether it is in the log now, so that there is no use in sending it once more.
            var isFinal: Bool { self == .accepted || self == .duplicate }
        }

        let status: Status
        let at: Timestamp
        /// Of a rejection or conflict.
        var code: String?
        var detail: String?
        /// In the client's shard, of what is in the log.
        var position: Int?
    }

    /// Whether less is kept than was sent; such an event cannot be sent again from here.
    var isCut: Bool { keptBytes < sentBytes }

    /// What is kept of an event that was just refused.
    init(
        _ rejectionID: RejectionID, _ reason: EventRejection, eventID: String?, sent: SentEvent,
        _ context: IngestContext
    ) {
        self.rejectionID = rejectionID
        clientID = context.clientID
        receivedAt = context.receivedAt
        self.reason = EventRejection(
            code: Self.kept(reason.code), detail: Self.kept(reason.detail),
            pointer: Self.kept(reason.pointer))
        self.eventID = eventID.map(Self.kept)
        door = context.door
        trust = context.trust
        var kept = SentEvent(sent.bytes.prefix(Self.maximumBytes), type: sent.type.map(Self.kept))
        kept.call = sent.call
        kept.place = sent.place
        kept.sentAt = sent.sentAt
        kept.shared = sent.shared
        kept.headers = sent.headers.mapValues(Self.kept)
        self.sent = kept
        sentBytes = sent.bytes.count
        keptBytes = kept.bytes.count
    }

    /// What was kept of it.
    init(
        rejectionID: RejectionID, clientID: ClientID, receivedAt: Timestamp,
        reason: EventRejection, eventID: String?, door: EventDoor, trust: Trust,
        sent: SentEvent, sentBytes: Int, keptBytes: Int, replayID: UUID?,
        replay: Replay?
    ) {
        self.rejectionID = rejectionID
        self.clientID = clientID
        self.receivedAt = receivedAt
        self.reason = reason
        self.eventID = eventID
        self.door = door
        self.trust = trust
        self.sent = sent
        self.sentBytes = sentBytes
        self.keptBytes = keptBytes
        self.replayID = replayID
        self.replay = replay
    }

    /// As it came except for control characters, which the database does not take all of.
    private static func kept(_ text: String) -> String {
        let scalars = text.unicodeScalars.prefix(maximumCharacters).map { scalar in
            scalar.value < 0x20 || scalar.value == 0x7F ? " " : scalar
        }
        return String(String.UnicodeScalarView(scalars))
    }
}

extension EventRejection {
    /// Why an event is not in the log although it is well-formed.
    static let conflict = Self(
        code: "event_id_conflict",
        detail: "Another event with this id was sent before, and stands.", pointer: "/event_id")
}

/// What a search among rejected events is narrowed to.
struct RejectionFilter: Sendable, Equatable {
    enum State: String, Sendable, Codable, CaseIterable {
        /// Not in the log.
        case open
        /// Sent again and in the log now.
        case replayed
    }

    var code: String?
    var type: String?
    var front: EventFront?
    var keyID: APIKeyID?
    var sourceID: WebhookSourceID?
    var eventID: String?
    var from: Timestamp?
    var to: Timestamp?
    /// Somewhere in the body.
    var text: String?
    var state: State?
}

/// How many were rejected for one reason.
struct RejectionReason: Sendable, Encodable {
    let code: String
    let pointer: String
    let type: String?
    let count: Int
    let lastAt: Timestamp

    private enum CodingKeys: String, CodingKey {
        case code, pointer, count
        case type = "event"
        case lastAt = "last_at"
    }
}
