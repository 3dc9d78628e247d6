import ClickHouseKit
import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import SecurityKit

/// Events as rows of the table `events`.
struct EventRows: Sendable {
    static let table = "events"
    static let columns = [
        "client_id", "campaign_id", "event", "occurred_at", "occurred_at_milliseconds",
        "received_at_milliseconds", "event_id", "from_service", "trust", "participant_id",
        "external_id", "anonymous_id", "referrer_id", "code", "click_id", "kind", "channel",
        "subject", "has_amount", "amount_units", "asset", "properties", "context", "traits",
        "traceparent", "shard", "position", "batch_id", "body_hash",
    ]

    /// The rows of one month's partition.
    struct Month: Sendable {
        var block = ClickHouseBlock(columns: EventRows.columns)
        /// How many rows stay when equal keys are merged into one.
        var distinctKeys: Int { keys.count }
        fileprivate var keys: Set<Key> = []
        /// Between these lie all rows' `occurred_at`.
        var first = UInt32.max
        var last = UInt32.min
    }

    /// The table's sorting key. The log takes an id once for as long as it remembers it; a batch
    /// that waited longer may hold it twice.
    fileprivate struct Key: Hashable {
        let client: ClientID
        let campaign: CampaignID?
        let event: String
        let second: UInt32
        let eventID: String
        let isFromService: Bool
    }

    /// By year and month as `toYYYYMM` writes them.
    private(set) var months: [Int: Month] = [:]
    private(set) var count = 0
    private(set) var byteCount = 0
    /// The hours of clients that events are of, when they are noted.
    private(set) var hours: Set<ClientHour> = []
    /// The people whom messages among the events say to forget.
    private(set) var erased: [ErasedParticipant] = []
    private let notesHours: Bool
    private var hashes: [UInt8] = []
    let batchID: UUID

    /// Of all events in order.
    var bodyHash: [UInt8] { Digest.sha256(hashes) }

    /// - Parameter notesHours: for a batch in doubt, whose hours have to be counted again.
    init(batchID: UUID, notesHours: Bool = false) {
        self.batchID = batchID
        self.notesHours = notesHours
    }

    /// Adds events, in order.
    mutating func append(_ events: [LogEvent]) throws {
        // What was blanked in the log has nothing to keep.
        for event in events where event.type != EventType.erased {
            if let person = ErasedParticipant(event) { erased.append(person) }
            let hash = try Self.bodyHash(of: event)
            hashes += hash.bytes
            try append(event, hash)
        }
    }

    /// What an event is known by beside its id: a hash of it as the log writes it, which is the
    /// same whenever it is read.
    static func bodyHash(of event: LogEvent) throws -> UUID {
        Digest.identity(of: try event.written ?? JSONCoding.encode(event)[...])
    }

    private mutating func append(_ event: LogEvent, _ hash: UUID) throws {
        let facts = EventFacts(event)
        let properties = try event.content.json
        let context = try event.origin?.json ?? []
        let traits = try event.participant?.told?.json ?? []
        let key = Self.month(of: event.occurredAt)
        var month = months.removeValue(forKey: key) ?? Month()
        month.first = min(month.first, event.occurredAt.clickHouseSeconds)
        month.last = max(month.last, event.occurredAt.clickHouseSeconds)
        let before = month.block.bytes.count
        month.keys.insert(
            Key(
                client: event.clientID, campaign: event.campaignID, event: event.type,
                second: event.occurredAt.clickHouseSeconds, eventID: event.eventID,
                isFromService: facts.isFromService))
        month.block.append { row in
            row.uuid(event.clientID.uuid)
            row.uuid(event.campaignID?.uuid ?? EventFacts.noID)
            row.string(event.type)
            row.dateTime(event.occurredAt)
            row.uint64(Self.milliseconds(event.occurredAt))
            row.uint64(Self.milliseconds(event.receivedAt))
            row.string(event.eventID)
            row.uint8(facts.isFromService ? 1 : 0)
            row.string(event.trust.rawValue)
            Self.write(facts, to: &row)
            row.string(bytes: properties)
            row.string(bytes: context)
            row.string(bytes: traits)
            row.string(event.traceparent ?? "")
            row.uint16(UInt16(clamping: event.position.shard))
            row.uint64(UInt64(event.position.position))
            row.uuid(batchID)
            row.uuid(hash)
        }
        byteCount += month.block.bytes.count - before
        if notesHours {
            let hour = Int64(event.occurredAt.clickHouseSeconds) / 3600
            hours.insert(
                ClientHour(
                    clientID: event.clientID,
                    hour: Timestamp(microseconds: hour * 3_600_000_000)))
        }
        months[key] = month
        count += 1
    }

    private static func write(_ facts: EventFacts, to row: inout RowBinaryWriter) {
        row.uuid(facts.participantID)
        row.string(facts.externalID)
        row.string(facts.anonymousID)
        row.uuid(facts.referrerID)
        row.string(facts.code)
        row.string(facts.clickID)
        row.string(facts.kind)
        row.string(facts.channel)
        row.string(facts.subject)
        row.uint8(facts.amount == nil ? 0 : 1)
        row.decimal(facts.amount?.units ?? 0)
        row.string(facts.amount?.asset.code ?? "")
    }

    /// Kept within what `DateTime` can hold, as the column `occurred_at` is.
    private static func milliseconds(_ time: Timestamp) -> UInt64 {
        UInt64(clamping: time.microseconds / 1000)
    }

    /// The partition of an instant, as `toYYYYMM` of its `DateTime` says it.
    static func month(of time: Timestamp) -> Int {
        // Source: H. Hinnant, "chrono-compatible low-level date algorithms", civil_from_days.
        let days = Int(time.clickHouseSeconds) / 86_400 + 719_468
        let era = days / 146_097
        let dayOfEra = days % 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return year * 100 + month
    }
}
