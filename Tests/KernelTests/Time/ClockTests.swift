import Foundation
import Kernel
import TestKit
import Testing

@Suite struct ClockTests {
    @Test func `the system clock is the machine's clock`() {
        let before = Date().timeIntervalSince1970
        let now = Double(SystemClock().now().microseconds) / 1e6
        let after = Date().timeIntervalSince1970
        #expect(before - 0.001 <= now && now <= after + 0.001)
    }

    @Test func `a client's business clock runs ahead by its offset and never behind`() {
        let base = TestClock()
        let ahead = BusinessClock(base: base, offset: .seconds(86_400))
        #expect(ahead.now() - base.now() == .seconds(86_400))
        base.advance(by: .seconds(5))
        #expect(ahead.now() - base.now() == .seconds(86_400))
        #expect(BusinessClock(base: base, offset: .seconds(-5)).now() == base.now())
    }

    @Test func `durations become whole microseconds and milliseconds`() {
        #expect(Duration.nanoseconds(1_999_999).wholeMicroseconds == 1999)
        #expect(Duration.nanoseconds(-1_999_999).wholeMicroseconds == -1999)
        #expect(Duration.microseconds(1_999).wholeMilliseconds == 1)
        #expect(Duration.milliseconds(1500).inSeconds == 1.5)
    }
}
