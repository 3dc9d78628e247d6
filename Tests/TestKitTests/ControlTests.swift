import Foundation
import Kernel
import Synchronization
import TestKit
import Testing

@Suite struct ControlTests {
    @Test func `a test clock stands still until it is moved`() {
        let clock = TestClock()
        #expect("\(clock.now())" == "2026-01-01T00:00:00.000Z")
        clock.advance(by: .seconds(90))
        #expect("\(clock.now())" == "2026-01-01T00:01:30.000Z")
        clock.set(Timestamp(microseconds: 0))
        #expect(clock.now().microseconds == 0)
    }

    @Test func `sequential ids can be foretold and ascend`() {
        let ids = SequentialIDGenerator(space: 7)
        let first: CampaignID = ids.next()
        let second: CampaignID = ids.next()
        #expect(first < second)
        #expect(first.uuid.uuidString == "00000000-0007-7000-8000-000000000001")
        #expect(second.uuid == SequentialIDGenerator.uuid(2, space: 7))
    }

    @Test func `recording faults counts points and acts at the asked occurrence`() {
        let faults = RecordingFaults()
        let point = CrashPoint("event.ingest", .beforeCommit)
        let acted = Atomic<Int>(0)
        faults.at(point, occurrence: 2) { acted.add(1, ordering: .relaxed) }
        for expected in [0, 1, 1] {
            faults.reach(point)
            #expect(acted.load(ordering: .relaxed) == expected)
        }
        #expect(faults.count(of: point) == 3)
        #expect(faults.reached == [point])
    }

    @Test func `eventually returns once the condition holds`() async throws {
        let attempts = Atomic<Int>(0)
        let value = try await eventually("three attempts") {
            let attempt = attempts.add(1, ordering: .relaxed).newValue
            if attempt == 1 { throw ProcessError("not yet") }
            return attempt == 3 ? attempt : nil
        }
        #expect(value == 3)
    }

    @Test func `eventually says what did not happen and why`() async throws {
        let error = await #expect(throws: NotInTime.self) {
            try await eventually("pigs fly", within: .milliseconds(1)) {
                throw ProcessError("gravity")
            }
        }
        let text = try #require(error.map { "\($0)" })
        #expect(text.contains("pigs fly") && text.contains("gravity"))
        #expect(text.contains("ControlTests.swift"))
    }

    @Test func `a recorded log keeps every line`() {
        let log = RecordedLog()
        log.logger().debug("hello", [("answer", 42)])
        #expect(log.lines.count == 1)
        #expect(log.contains("\"answer\":42"))
    }
}
