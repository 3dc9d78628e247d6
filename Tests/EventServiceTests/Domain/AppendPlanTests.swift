import FoundationEssentials
import Kernel
import Testing

@testable import EventService

@Suite struct AppendPlanTests {
    private let client = ClientID(UUID())

    private func event(_ identity: UUID, _ bodyHash: UUID = UUID()) -> PendingEvent {
        PendingEvent(
            clientID: client, campaignID: nil, type: "signup", facets: [], identity: identity,
            bodyHash: bodyHash, envelope: Array("{}".utf8))
    }

    @Test func `new events get the positions after the head without a gap`() {
        let plan = AppendPlan([event(UUID()), event(UUID())], known: [:], head: 41)
        #expect(plan.outcomes == [.accepted(position: 42), .accepted(position: 43)])
        #expect(plan.accepted == [0, 1])
    }

    @Test func `a known event is a duplicate and takes no position`() {
        let (identity, body) = (UUID(), UUID())
        let known = [identity: KnownEvent(bodyHash: body, position: 7)]
        let plan = AppendPlan([event(identity, body), event(UUID())], known: known, head: 9)
        #expect(plan.outcomes == [.duplicate(position: 7), .accepted(position: 10)])
    }

    @Test func `the same id with another body is a conflict and the first stands`() {
        let identity = UUID()
        let known = [identity: KnownEvent(bodyHash: UUID(), position: 7)]
        #expect(
            AppendPlan([event(identity)], known: known, head: 9).outcomes
                == [.conflict(position: 7)])
    }

    @Test func `of two with one id in a batch the first stands`() {
        let (identity, body) = (UUID(), UUID())
        let plan = AppendPlan(
            [event(identity, body), event(identity, body), event(identity)], known: [:], head: 0)
        #expect(
            plan.outcomes == [
                .accepted(position: 1), .duplicate(position: 1), .conflict(position: 1),
            ])
        #expect(plan.accepted == [0])
    }

    @Test func `segments hold at most five hundred events and leave no position out`() {
        let events = (0..<1201).map { _ in event(UUID()) }
        let drafts = SegmentDraft.cut(events, facets: events.map(\.facets), after: 10)
        #expect(drafts.map(\.header.entries.count) == [500, 500, 201])
        #expect(drafts.map(\.firstPosition) == [11, 511, 1011])
        #expect(drafts.last?.lastPosition == 1211)
    }

    /// How many of the submissions (events, bytes) of one client go into one flush.
    private func flushed(_ sizes: [Int]...) -> Int {
        var line = FairLine<Int, [Int]>()
        for size in sizes { line.append(size, of: 1) }
        var load = FlushLoad(FlushLimits(events: 10, bytes: 100, waitingBytes: 1000))
        return line.take { load.add(events: $0[0], bytes: $0[1]) }.count
    }

    @Test func `a flush takes at least one submission and stops at its limits`() {
        #expect(flushed([50, 1], [1, 1]) == 1)
        #expect(flushed([5, 10], [5, 10], [1, 10]) == 2)
        #expect(flushed([1, 60], [1, 60]) == 1)
        #expect(flushed() == 0)
    }

    @Test func `clients are served in turn, however much one of them brings`() {
        var line = FairLine<String, String>()
        for number in 1...6 { line.append("flood \(number)", of: "flood") }
        line.append("light 1", of: "light")
        line.append("other 1", of: "other")
        line.append("light 2", of: "light")
        func take(_ count: Int) -> [String] {
            var room = count
            return line.take { _ in
                room -= 1
                return room >= 0
            }
        }
        #expect(take(4) == ["flood 1", "light 1", "other 1", "flood 2"])
        #expect(line.count == 5)
        // Whose turn did not come is first in the next flush.
        line.append("other 2", of: "other")
        #expect(take(3) == ["light 2", "flood 3", "other 2"])
        #expect(take(9) == ["flood 4", "flood 5", "flood 6"])
        #expect(line.isEmpty && take(1).isEmpty)
    }
}
