import Foundation
import Kernel
import Testing

@Suite("UUIDs from numbers and bytes")
struct UUIDBitsTests {
    @Test("The bits of a UUID are its bytes, the first one highest")
    func bitsKeepTheOrder() throws {
        let uuid = try #require(UUID(uuidString: "01020304-0506-0708-090A-0B0C0D0E0F10"))
        #expect(uuid.bits == 0x0102_0304_0506_0708_090A_0B0C_0D0E_0F10)
        #expect(UUID(bits: uuid.bits) == uuid)
        #expect(UUID(firstBytes: (1...32).map { UInt8($0) }) == uuid)
    }

    @Test("Fewer than 16 bytes are no UUID")
    func fewBytes() {
        #expect(UUID(firstBytes: [UInt8](repeating: 1, count: 15)) == nil)
    }

    @Test("The UUID of zero bits is the nil UUID")
    func zero() {
        #expect(UUID.zero.uuidString == "00000000-0000-0000-0000-000000000000")
    }
}
