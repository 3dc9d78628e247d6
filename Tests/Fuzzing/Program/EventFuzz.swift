import Contracts
import HTTPKit
import Kernel

@testable import EventService

/// Whatever is sent is read or refused, and what is accepted can be read by every subscriber.
enum EventFuzz {
    private static let receivedAt = Timestamp(microseconds: 1_800_000_000_000_000)
    private static let context = IngestContext(
        clientID: ClientID(.zero), trust: .browser, receivedAt: receivedAt,
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")

    static func run(_ bytes: [UInt8]) {
        agree(bytes)
        guard let batch = try? IngestEvents.Batch(reading: bytes, at: receivedAt) else { return }
        for reading in batch.readings {
            switch reading {
            case .event(let event): readBack(event)
            case .rejected(_, let rejection):
                precondition(!rejection.code.isEmpty && !rejection.detail.isEmpty)
            }
        }
        for event in batch.events { _ = event.packed }
    }

    /// The slices and the values of a document are the same document, and it can be written again.
    private static func agree(_ bytes: [UInt8]) {
        guard let slice = try? JSONSlice(parsing: bytes) else {
            precondition((try? JSONCoding.parse(bytes)) == nil, "a value of what is no document")
            return
        }
        let packed = slice.packed
        guard let again = try? JSONSlice(parsing: packed) else {
            preconditionFailure("without white space it is no document")
        }
        precondition(again.value == slice.value, "white space makes a difference")
    }

    /// The stored event, with a position as the feed writes it, is what was accepted.
    private static func readBack(_ event: IncomingEvent) {
        let pending = EventEnvelope.pending(event, context)
        let head = #"{"shard":3,"next":9,"head":9,"events":[{"position":"3:9","#
        let bytes = Array(head.utf8) + pending.envelope.dropFirst() + Array("]}".utf8)
        guard let slice = try? JSONSlice(parsing: bytes), let page = try? FeedPage(slice) else {
            preconditionFailure("an accepted event cannot be read")
        }
        precondition(page.events.count == 1, "one event became several")
        let stored = page.events[0]
        precondition(stored.eventID == event.eventID && stored.type == event.type)
        precondition(stored.clientID == context.clientID && stored.trust == context.trust)
        precondition(stored.participant?.externalID == event.externalID)
        precondition(stored.participant?.anonymousID == event.anonymousID)
        precondition(stored.subject == event.subject && stored.campaignID == event.campaignID)
    }
}
