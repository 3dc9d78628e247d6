import Contracts
import HTTPKit
import Kernel

/// Blanks a person's events in a segment. Positions stay: the log has no holes, so that every
/// reader's cursor goes on being true.
struct SegmentErasure: Sendable {
    let clientID: ClientID
    private(set) var person: ErasedPerson
    private(set) var erasedCount = 0

    init(_ person: ErasedPerson, of client: ClientID) {
        self.person = person
        clientID = client
    }

    /// Whether an event is of the client at all.
    func concerns(_ entry: SegmentHeader.Entry) -> Bool { entry.clientID == clientID }

    /// The segment without the person's events; nil when it has none. Takes note of the visitors'
    /// ids that stand beside the person's own.
    ///
    /// Throws when an event cannot be read, because it could be the person's.
    mutating func rewrite(
        _ segment: StoredSegment, shard: Int
    ) throws(Problem) -> SegmentDraft? {
        var body: [UInt8] = []
        var entries: [SegmentHeader.Entry] = []
        var isChanged = false
        for (index, entry) in segment.header.entries.enumerated() {
            let old = segment.body[entry.offset..<entry.offset + entry.length]
            let place = LogPosition(shard: shard, position: segment.firstPosition + index)
            let blank = try concerns(entry) ? self.blank(old, entry, at: place) : nil
            if blank != nil { isChanged = true }
            let event = blank ?? Array(old)
            entries.append(
                SegmentHeader.Entry(
                    offset: body.count, length: event.count,
                    type: blank == nil ? entry.type : EventType.erased,
                    clientID: entry.clientID, campaignID: entry.campaignID,
                    facets: blank == nil ? entry.facets : []))
            body += event
        }
        guard isChanged else { return nil }
        return SegmentDraft(
            firstPosition: segment.firstPosition, header: SegmentHeader(entries: entries),
            body: body)
    }

    /// What stands in place of the person's event; nil when it is not the person's.
    private mutating func blank(
        _ bytes: ArraySlice<UInt8>, _ entry: SegmentHeader.Entry, at place: LogPosition
    ) throws(Problem) -> [UInt8]? {
        guard entry.type != EventType.erased else { return nil }
        let event = try JSONSlice(parsing: Array(bytes))
        guard let participant = event["participant"] else { return nil }
        let (externalID, anonymousID) = (
            participant["external_id"]?.string, participant["anonymous_id"]?.string
        )
        guard person.owns(externalID: externalID, anonymousID: anonymousID) else { return nil }
        if externalID != nil, let anonymousID { person.anonymousIDs.insert(anonymousID) }
        erasedCount += 1
        // Nothing of the event but when it came and what it was worth believing: an id, a subject
        // or a campaign could lead back to the person.
        var blank = #"{"event_id":"erased-\#(place.shard)-\#(place.position)","#
        blank += #""type":"\#(EventType.erased)","client_id":"\#(clientID)","#
        for name in ["occurred_at", "received_at", "trust"] {
            guard let value = event[name]?.string else { continue }
            blank += #""\#(name)":\#(JSONText.quoted(value)),"#
        }
        return Array((blank + #""properties":{}}"#).utf8)
    }
}
