import Contracts
import FoundationEssentials
import Kernel

/// The small index before a segment's body: where each event is and what it is about.
///
/// Layout, little endian: version (1 byte, 2), the facets that the writer knew (1), number of
/// events (4), number of types (2), each length (1) and bytes; number of clients (2), 16 bytes
/// each; number of campaigns (2), 16 bytes each; then 15 bytes per event: offset (4), length (4),
/// type (2), client (2), campaign (2, 65535 for none), the last three counted into the tables
/// before; facets (1). Version 1 has no facets. A facet that the writer did not know counts as
/// there, so that nobody misses an event.
struct SegmentHeader: Sendable, Hashable {
    /// One event's place and key facts.
    struct Entry: Sendable, Hashable {
        /// Bytes from the start of the body.
        let offset: Int
        let length: Int
        let type: String
        let clientID: ClientID
        let campaignID: CampaignID?
        let facets: EventFacets
    }

    /// At most this many events, so that every table index fits 16 bits.
    static let maximumEvents = 500

    let entries: [Entry]
}

/// A batch of events cut into one segment: header and body as they are stored.
struct SegmentDraft: Sendable {
    let firstPosition: Int
    let header: SegmentHeader
    let body: [UInt8]

    var lastPosition: Int { firstPosition + header.entries.count - 1 }

    /// Cuts accepted events into segments of at most 500; the first gets position `head + 1`.
    ///
    /// - Parameter facets: those of each event, as the log tells them.
    static func cut(
        _ events: [PendingEvent], facets: [EventFacets], after head: Int
    ) -> [SegmentDraft] {
        stride(from: 0, to: events.count, by: SegmentHeader.maximumEvents).map { start in
            let end = min(start + SegmentHeader.maximumEvents, events.count)
            var body: [UInt8] = []
            body.reserveCapacity(events[start..<end].reduce(0) { $0 + $1.envelope.count })
            let entries = zip(events[start..<end], facets[start..<end]).map { event, facets in
                defer { body += event.envelope }
                return SegmentHeader.Entry(
                    offset: body.count, length: event.envelope.count, type: event.type,
                    clientID: event.clientID, campaignID: event.campaignID,
                    facets: facets)
            }
            return SegmentDraft(
                firstPosition: head + start + 1, header: SegmentHeader(entries: entries),
                body: body)
        }
    }
}

extension SegmentHeader {
    fileprivate static let version: UInt8 = 2
    fileprivate static let versionWithoutFacets: UInt8 = 1
    fileprivate static let noCampaign = UInt16.max

    /// The stored bytes.
    var bytes: [UInt8] {
        var types = IndexTable<String>()
        var clients = IndexTable<UUID>()
        var campaigns = IndexTable<UUID>()
        var places: [UInt8] = []
        places.reserveCapacity(entries.count * 15)
        for entry in entries {
            places.append(littleEndian: UInt32(entry.offset))
            places.append(littleEndian: UInt32(entry.length))
            places.append(littleEndian: types.index(of: entry.type))
            places.append(littleEndian: clients.index(of: entry.clientID.uuid))
            places.append(
                littleEndian: entry.campaignID.map { campaigns.index(of: $0.uuid) }
                    ?? Self.noCampaign)
            places.append(entry.facets.rawValue)
        }
        var bytes = [Self.version, EventFacets.all.rawValue]
        bytes.append(littleEndian: UInt32(entries.count))
        bytes.append(littleEndian: UInt16(types.values.count))
        for type in types.values {
            bytes.append(UInt8(type.utf8.count))
            bytes += type.utf8
        }
        for table in [clients.values, campaigns.values] {
            bytes.append(littleEndian: UInt16(table.count))
            for id in table { bytes += id.bytes }
        }
        return bytes + places
    }

    /// Reads stored bytes; nil when they are not a header of a known version.
    init?(bytes: [UInt8]) {
        var reader = LittleEndianReader(bytes: bytes)
        guard let version = reader.integer(UInt8.self), let known = reader.facets(version),
            let count = reader.integer(UInt32.self), count <= Self.maximumEvents,
            let tables = Tables(&reader)
        else { return nil }
        var entries: [Entry] = []
        entries.reserveCapacity(Int(count))
        for _ in 0..<count {
            guard let entry = reader.entry(tables, known) else { return nil }
            entries.append(entry)
        }
        guard reader.isAtEnd else { return nil }
        self.entries = entries
    }

    /// What the events' facts are counted into.
    fileprivate struct Tables {
        let types: [String]
        let clients: [UUID]
        let campaigns: [UUID]

        init?(_ reader: inout LittleEndianReader) {
            guard
                let types = reader.table({ reader in
                    reader.integer(UInt8.self).flatMap { reader.text(length: Int($0)) }
                }),
                let clients = reader.table({ $0.uuid() }),
                let campaigns = reader.table({ $0.uuid() })
            else { return nil }
            (self.types, self.clients, self.campaigns) = (types, clients, campaigns)
        }
    }
}

extension LittleEndianReader {
    /// The facets that a header's writer knew; nil for a version that is not known.
    fileprivate mutating func facets(_ version: UInt8) -> EventFacets? {
        switch version {
        case SegmentHeader.versionWithoutFacets: []
        case SegmentHeader.version: integer(UInt8.self).map { EventFacets(rawValue: $0) }
        default: nil
        }
    }

    /// One event's place and facts, by facets that the writer knew.
    fileprivate mutating func entry(
        _ tables: SegmentHeader.Tables, _ known: EventFacets
    ) -> SegmentHeader.Entry? {
        guard let offset = integer(UInt32.self), let length = integer(UInt32.self),
            let type = integer(UInt16.self), Int(type) < tables.types.count,
            let client = integer(UInt16.self), Int(client) < tables.clients.count,
            let campaign = integer(UInt16.self),
            campaign == SegmentHeader.noCampaign || Int(campaign) < tables.campaigns.count,
            let facets = known.isEmpty ? 0 : integer(UInt8.self)
        else { return nil }
        let unknown = EventFacets.all.subtracting(known)
        return SegmentHeader.Entry(
            offset: Int(offset), length: Int(length), type: tables.types[Int(type)],
            clientID: ClientID(tables.clients[Int(client)]),
            campaignID: campaign == SegmentHeader.noCampaign
                ? nil : CampaignID(tables.campaigns[Int(campaign)]),
            facets: EventFacets(rawValue: facets).intersection(.all).union(unknown))
    }
}

/// Numbers distinct values in order of first use.
private struct IndexTable<Value: Hashable> {
    private(set) var values: [Value] = []
    private var indexes: [Value: UInt16] = [:]

    mutating func index(of value: Value) -> UInt16 {
        if let index = indexes[value] { return index }
        let index = UInt16(values.count)
        indexes[value] = index
        values.append(value)
        return index
    }
}
