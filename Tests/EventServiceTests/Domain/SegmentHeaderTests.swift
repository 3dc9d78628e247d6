import Contracts
import FoundationEssentials
import Kernel
import Testing

@testable import EventService

@Suite struct SegmentHeaderTests {
    private let header: SegmentHeader = {
        let clients = [ClientID(UUID()), ClientID(UUID())]
        let campaign = CampaignID(UUID())
        return SegmentHeader(
            entries: (0..<7).map { index in
                SegmentHeader.Entry(
                    offset: index * 100, length: 100, type: index % 2 == 0 ? "signup" : "päge",
                    clientID: clients[index % 2], campaignID: index == 3 ? campaign : nil,
                    facets: EventFacets(rawValue: UInt8(index)))
            })
    }()

    @Test func `a header is read as it was written`() {
        #expect(SegmentHeader(bytes: header.bytes) == header)
        #expect(SegmentHeader(bytes: SegmentHeader(entries: []).bytes)?.entries == [])
    }

    @Test func `a damaged header is refused and never read out of bounds`() {
        let bytes = header.bytes
        for length in 0..<bytes.count {
            #expect(SegmentHeader(bytes: Array(bytes[..<length])) == nil)
        }
        #expect(SegmentHeader(bytes: bytes + [0]) == nil)
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 0xFF
            _ = SegmentHeader(bytes: damaged)
        }
    }

    /// As the log wrote it before events had facets.
    private var oldBytes: [UInt8] {
        let places = header.bytes.suffix(header.entries.count * 15)
        let before = header.bytes.dropFirst(2).dropLast(places.count)
        let old = stride(from: 0, to: places.count, by: 15).flatMap { start in
            places.dropFirst(start).prefix(14)
        }
        return [1] + before + old
    }

    @Test func `an event of an old header may be anything and is given to everybody`() throws {
        let read = try #require(SegmentHeader(bytes: oldBytes))
        #expect(read.entries.map(\.type) == header.entries.map(\.type))
        #expect(read.entries.map(\.offset) == header.entries.map(\.offset))
        #expect(read.entries.map(\.campaignID) == header.entries.map(\.campaignID))
        #expect(read.entries.allSatisfy { $0.facets == .all })
        // Also after somebody's events in it were blanked.
        #expect(SegmentHeader(bytes: read.bytes) == read)
        #expect(SegmentHeader(bytes: Array(oldBytes.dropLast())) == nil)
    }

    @Test func `a facet that the writer did not know counts as there`() throws {
        var bytes = header.bytes
        bytes[1] = EventFacets.identity.rawValue
        let read = try #require(SegmentHeader(bytes: bytes))
        for (old, new) in zip(header.entries, read.entries) {
            #expect(new.facets.contains([.referral, .traits]))
            #expect(new.facets.contains(.identity) == old.facets.contains(.identity))
        }
    }

    @Test func `repeated types, clients and campaigns are stored once`() {
        #expect(header.bytes.count == 2 + 4 + 2 + (1 + 6) + (1 + 5) + 2 + 32 + 2 + 16 + 7 * 15)
    }
}
