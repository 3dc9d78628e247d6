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
                    clientID: clients[index % 2], campaignID: index == 3 ? campaign : nil)
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

    @Test func `repeated types, clients and campaigns are stored once`() {
        #expect(header.bytes.count == 1 + 4 + 2 + (1 + 6) + (1 + 5) + 2 + 32 + 2 + 16 + 7 * 14)
    }
}
