import Foundation
import Kernel
import TestKit
import Testing

@Suite struct IDGeneratorTests {
    @Test func `a version 7 UUID holds its time, version, variant and random bits`() {
        // 2022-02-22T19:22:22.000Z, the instant of RFC 9562 A.6.
        let time = Timestamp(microseconds: 1_645_557_742_000_000)
        let uuid = UUID.version7(at: time, random: 0x18C4_DC0C_0C07_398F)
        #expect(uuid.uuidString == "017F22E2-79B0-7000-98C4-DC0C0C07398F")
    }

    @Test func `ids sort by the microsecond of their creation`() {
        let clock = TestClock()
        let ids = SystemIDGenerator(clock: clock)
        var last = ids.next()
        for _ in 0..<3000 {
            clock.advance(by: .microseconds(1))
            let next = ids.next()
            #expect(last.uuidString < next.uuidString)
            last = next
        }
    }

    @Test func `ids of one instant differ`() {
        let ids = SystemIDGenerator(clock: TestClock())
        #expect(Set((0..<1000).map { _ in ids.next() }).count == 1000)
    }

    @Test func `a time before 1970 counts as 1970`() {
        let uuid = UUID.version7(at: Timestamp(microseconds: -5), random: 0)
        #expect(uuid.uuidString == "00000000-0000-7000-8000-000000000000")
    }
}
