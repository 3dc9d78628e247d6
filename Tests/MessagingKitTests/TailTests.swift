import Contracts
import Kernel
import MessagingKit
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct TailTests {
    /// What a tail brought.
    private final class Heard: Sendable {
        let numbers = Mutex<[Int]>([])
        let starts = Atomic(0)

        var all: [Int] { numbers.withLock { $0 } }

        func hear(_ events: [LogEvent]) {
            numbers.withLock { $0 += events.compactMap(\.number) }
        }
    }

    private func tail(_ log: MemoryLog, types: Set<String>? = nil, _ heard: Heard) -> Tail {
        Tail(
            types: types, log: log, redis: nil, world: World(),
            pollInterval: .milliseconds(50),
            onStart: { heard.starts.add(1, ordering: .relaxed) },
            onEvents: { heard.hear($0) })
    }

    private let client = ClientID(SystemIDGenerator().next())

    @Test func `a tail begins at the head and hears everything after it, in every replica`()
        async throws
    {
        let log = MemoryLog()
        try await log.publish(1...10, client: client)
        let (one, two) = (Heard(), Heard())
        let tails = [tail(log, one), tail(log, two)]
        let tasks = tails.map { tail in Task { await tail.run() } }
        defer { for task in tasks { task.cancel() } }
        try await eventually { tails.allSatisfy { $0.lastContact != nil } }
        try await log.publish(11...20, client: client)
        try await eventually { one.all == Array(11...20) && two.all == Array(11...20) }
        #expect(one.starts.load(ordering: .relaxed) == 1)
    }

    @Test func `a tail goes on where it was after the log was away`() async throws {
        let log = MemoryLog()
        let heard = Heard()
        let tail = tail(log, types: ["test.wanted"], heard)
        log.isAway = true
        let task = Task { await tail.run() }
        defer { task.cancel() }
        let calls = log.feedCalls
        #expect(tail.lastContact == nil)
        log.isAway = false
        try await eventually { tail.lastContact != nil }
        try await log.publish(1...3, client: client, type: "test.wanted")
        try await eventually { heard.all == [1, 2, 3] }
        log.isAway = true
        try await eventually { log.feedCalls > calls + 5 }
        log.isAway = false
        try await log.publish(4...5, client: client)
        try await log.publish(6...7, client: client, type: "test.wanted")
        try await eventually { heard.all == [1, 2, 3, 6, 7] }
    }
}
