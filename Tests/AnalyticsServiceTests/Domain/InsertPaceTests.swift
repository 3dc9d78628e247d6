import Testing

@testable import AnalyticsService

@Suite struct InsertPaceTests {
    private let pace = InsertPace(linger: .milliseconds(200), enoughRows: 10_000)

    @Test func `a few events are sent soon`() {
        for rows in [0, 1, InsertPace.loadRows - 1] {
            #expect(pace.longestPause(afterRows: rows) == .milliseconds(200))
            #expect(pace.readingPause(afterRows: rows) == .zero)
        }
    }

    @Test func `under load rows gather, at most for a second`() {
        for rows in [InsertPace.loadRows, 9000, 100_000] {
            #expect(pace.longestPause(afterRows: rows) == .seconds(1))
            let reading = pace.readingPause(afterRows: rows)
            #expect(reading == .milliseconds(800), "a linger before the insert")
        }
    }

    @Test func `a full batch waits for nobody`() {
        #expect(!pace.isEnough(0) && !pace.isEnough(9999))
        #expect(pace.isEnough(10_000) && pace.isEnough(20_000))
    }
}
