import HTTPKit
import Kernel
import Testing

@testable import EventService

@Suite struct SenderClockTests {
    private let now = Timestamp(microseconds: 1_800_000_000_000_000)

    private func counted(_ told: Timestamp, sentAt: Timestamp?) -> Timestamp {
        SenderClock(receivedAt: now, sentAt: sentAt).corrected(told)
    }

    @Test func `a wrong clock is corrected by what it says of the time of sending`() {
        let hour: Duration = .seconds(3600)
        #expect(counted(now - hour - .seconds(5), sentAt: now - hour) == now - .seconds(5))
        #expect(counted(now + hour - .seconds(5), sentAt: now + hour) == now - .seconds(5))
    }

    @Test func `a clock that is right moves nothing, nor does silence about it`() {
        let told = now - .seconds(7200)
        #expect(counted(told, sentAt: now - .seconds(2)) == told)
        #expect(counted(told, sentAt: nil) == told)
    }

    @Test func `nothing is moved into the future or before 1970`() {
        let day: Duration = .seconds(86_400)
        #expect(counted(now + day * 3, sentAt: now + .seconds(1)) == now)
        let ancient = Timestamp(microseconds: 1_000_000)
        #expect(counted(ancient, sentAt: now + day) == ancient)
    }

    @Test func `the sender's own time is kept where it does not count`() throws {
        let text =
            #"{"event":"a","event_id":"1","anonymous_id":"a","told":"mine","#
            + #""occurred_at":"2027-01-15T06:59:00Z"}"#
        let event = try IncomingEvent(
            try JSONSlice(parsing: Array(text.utf8)),
            SenderClock(receivedAt: now, sentAt: now - .seconds(3600)))
        #expect(event.occurredAt == now - .seconds(60))
        let context = String(
            decoding: EncodedJSON(object: event.context).bytes, as: UTF8.self)
        #expect(context == #"{"told":{"occurred_at":"2027-01-15T06:59:00.000Z"}}"#)
    }
}
