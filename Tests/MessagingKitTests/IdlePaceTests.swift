import MessagingKit
import Testing

@Suite struct IdlePaceTests {
    @Test func `an idle loop looks less and less often until something happens`() {
        var pace = IdlePace(longest: .milliseconds(10))
        let sleeps = (0..<5).map { _ in pace.next() }
        #expect(sleeps == [2, 4, 8, 10, 10].map { .milliseconds($0) })
        pace.quicken()
        #expect(pace.next() == .milliseconds(2))
    }
}
