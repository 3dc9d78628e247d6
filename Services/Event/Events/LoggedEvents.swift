import Contracts
import FoundationEssentials
import HTTPKit
import Kernel

/// What a list of logged events is narrowed to.
struct LoggedEventFilter: Sendable {
    var type: String?
    /// The client's own id of the person, ours, or a visitor's.
    var participant: String?
    /// Services' messages too, not only what was sent from outside.
    var showsMessages = false

    /// What the log's index tells already.
    func admits(_ entry: SegmentHeader.Entry, of client: ClientID) -> Bool {
        guard entry.clientID == client, !ClientMessage.all.contains(entry.type) else {
            return false
        }
        if let type { return entry.type == type }
        return showsMessages || !ReservedEventTypes.contains(entry.type)
    }

    /// What only the event itself tells.
    func admits(_ event: LogEvent) -> Bool {
        guard let participant else { return true }
        let person = event.participant
        return person?.externalID == participant || person?.anonymousID == participant
            || person?.participantID?.description == participant
    }
}

/// An event in the log, as its client sees it.
struct LoggedEvent: Sendable {
    let event: LogEvent
    /// Nil where that was not asked for.
    var committedAt: Timestamp?
}

/// Looks events of one client up in the log.
struct LoggedEvents: Sendable {
    /// The least of work that one list may cost: segments whose index is read, and events that
    /// are read to find a person's.
    private static let maximumSegments = 400
    private static let segmentsPerRead = 100
    private static let maximumCandidates = 1000

    let store: LoggedEventStore

    /// The last events before a position, newest first, and where to go on; nil when the log goes
    /// back no further. May be fewer than `limit`, even none, when much of others lies between.
    func list(
        of client: ClientID, _ filter: LoggedEventFilter, before: Int?, limit: Int
    ) async throws -> (events: [LoggedEvent], next: Int?) {
        let shard = ShardMap.installed.shard(of: client)
        var events: [LoggedEvent] = []
        var (next, candidates) = (before, 0)
        for _ in 0..<(Self.maximumSegments / Self.segmentsPerRead) {
            let segments = try await store.segments(
                of: shard, before: next, limit: Self.segmentsPerRead)
            var places: [EventPlace] = []
            for segment in segments {
                places += segment.places(below: next).filter { filter.admits($0.entry, of: client) }
            }
            // In portions: a list that finds what it wants at once reads little.
            while !places.isEmpty {
                let portion = Array(places.prefix(limit))
                places.removeFirst(portion.count)
                candidates += portion.count
                for event in try await read(portion, of: shard) where filter.admits(event.event) {
                    events.append(event)
                    if events.count == limit { return (events, event.event.position.position) }
                }
                next = portion.last?.position
                if candidates >= Self.maximumCandidates { return (events, next) }
            }
            guard segments.count == Self.segmentsPerRead, let last = segments.last else {
                return (events, nil)
            }
            next = last.firstPosition
        }
        return (events, next)
    }

    /// The event at a position; nil when it is not the client's, or not there any more.
    func find(at position: LogPosition, of client: ClientID) async throws -> LoggedEvent? {
        guard position.shard == ShardMap.installed.shard(of: client),
            let segment = try await store.segment(of: position.shard, at: position.position)
        else { return nil }
        let place = segment.places(below: nil).first { $0.position == position.position }
        // Nothing of a message that no member is shown in a list.
        guard let place, place.entry.clientID == client,
            !ClientMessage.all.contains(place.entry.type)
        else { return nil }
        return try await read([place], of: position.shard).first
    }

    /// Events by their sender's id: of a client, a service or a webhook, which may each have one.
    func find(eventID: String, of client: ClientID) async throws -> [LoggedEvent] {
        let authors: [EventEnvelope.Author] = [.client, .service, .webhook]
        let positions = try await store.positions(
            of: authors.map { EventEnvelope.identity(of: eventID, client, said: $0) })
        let shard = ShardMap.installed.shard(of: client)
        var found: [LoggedEvent] = []
        for position in positions {
            let place = LogPosition(shard: shard, position: position)
            if let event = try await find(at: place, of: client) { found.append(event) }
        }
        return found
    }

    private func read(_ places: [EventPlace], of shard: Int) async throws -> [LoggedEvent] {
        let bodies = try await store.bodies(at: places, of: shard)
        return zip(places, bodies).compactMap { place, body in
            // A segment may be deleted, or rewritten without a person, after its index was read.
            let position = LogPosition(shard: shard, position: place.position)
            return body.flatMap { try? LogEvent(stored: $0, at: position) }
                .map { LoggedEvent(event: $0, committedAt: place.committedAt) }
        }
    }
}

extension SegmentPlace {
    /// Its events below a position, the last first.
    func places(below position: Int?) -> [EventPlace] {
        header.entries.enumerated().reversed().compactMap { index, entry in
            let place = firstPosition + index
            guard place < position ?? Int.max else { return nil }
            return EventPlace(
                segment: lastPosition, position: place, entry: entry, committedAt: createdAt)
        }
    }
}

extension LogEvent {
    /// Reads an event as the log stores it.
    init(stored bytes: some Sequence<UInt8>, at position: LogPosition) throws {
        // The stored object without its opening brace.
        let document = Array(#"{"position":"\#(position)","#.utf8) + bytes.dropFirst()
        self = try JSONCoding.decode(LogEvent.self, from: document, strictness: .lenient)
    }
}
