import Contracts
import Foundation
import Kernel
import MessagingKit
import Synchronization

/// The log in memory, with the contract of event-service: deduplication by (client, id), gapless
/// positions per shard, filters that pass over, acknowledgement by `after`, held answers.
final class MemoryLog: LogPort {
    private struct Key: Hashable {
        let client: ClientID
        let id: String
    }

    private struct State {
        var shards: [[LogEvent]]
        var known: [Key: (message: LogMessage, position: LogPosition)] = [:]
        var acknowledged: [String: [Int: Int]] = [:]
        var isAway = false
        var refusedTypes: Set<String> = []
        var lostAnswers = 0
        var unreadable: Set<Int> = []
        var heldAppends = 0
        var feedCalls = 0
        /// Those that were not to be held.
        var quickCalls = 0
        var headCalls = 0
        var appendCalls = 0
        var appendsDone = 0
    }

    private let state: Mutex<State>
    private let appended = WakeSignal()
    private let released = WakeSignal()

    init(shards: Int = 2) {
        state = Mutex(State(shards: Array(repeating: [], count: shards)))
    }

    /// While true, every call fails.
    var isAway: Bool {
        get { state.withLock { $0.isAway } }
        set { state.withLock { $0.isAway = newValue } }
    }

    /// A batch with a message of such a type is refused as a whole.
    func refuse(types: Set<String>) { state.withLock { $0.refusedTypes = types } }

    /// The next answers to `append` are lost after the messages were taken.
    func loseAnswers(_ count: Int) { state.withLock { $0.lostAnswers = count } }

    /// Events with these numbers cannot be read.
    func spoil(numbers: Set<Int>) { state.withLock { $0.unreadable = numbers } }

    /// So many next calls of `append` wait for `release` before they do anything.
    func hold(appends: Int) { state.withLock { $0.heldAppends = appends } }

    func release() { released.raise() }

    var events: [LogEvent] { state.withLock { $0.shards.flatMap(\.self) } }
    var feedCalls: Int { state.withLock { $0.feedCalls } }
    var quickCalls: Int { state.withLock { $0.quickCalls } }
    var headCalls: Int { state.withLock { $0.headCalls } }
    var appendCalls: Int { state.withLock { $0.appendCalls } }
    var appendsDone: Int { state.withLock { $0.appendsDone } }

    /// What a subscriber has acknowledged of a shard.
    func acknowledged(_ subscriber: String, shard: Int) -> Int {
        state.withLock { $0.acknowledged[subscriber]?[shard] ?? 0 }
    }

    func head(shard: Int) -> Int { state.withLock { $0.shards[shard].count } }

    func shard(of client: ClientID) -> Int {
        let count = state.withLock { $0.shards.count }
        return Int(client.uuid.uuid.15) % count
    }

    func shardCount() async throws(LogError) -> Int {
        try state.withLock { state throws(LogError) in
            try Self.requirePresence(state)
            return state.shards.count
        }
    }

    func heads() async throws(LogError) -> [Int]? {
        try state.withLock { state throws(LogError) in
            state.headCalls += 1
            try Self.requirePresence(state)
            return state.shards.map(\.count)
        }
    }

    func append(_ messages: [LogMessage]) async throws(LogError) -> [LogAppendResult] {
        let isHeld = state.withLock { state in
            state.appendCalls += 1
            state.heldAppends -= 1
            return state.heldAppends >= 0
        }
        if isHeld { await released.wait(past: 0, within: .seconds(60)) }
        let results = try state.withLock { state throws(LogError) in
            try Self.requirePresence(state)
            guard (1...LogAppendRequest.maximumMessages).contains(messages.count),
                !messages.contains(where: { state.refusedTypes.contains($0.type) })
            else { throw LogError.refused(code: "validation_failed", detail: "No.") }
            let results = messages.map { Self.add($0, to: &state) }
            state.appendsDone += 1
            if state.lostAnswers > 0 {
                state.lostAnswers -= 1
                throw LogError.unavailable(reason: "answer_lost")
            }
            return results
        }
        appended.raise()
        return results
    }

    private static func add(_ message: LogMessage, to state: inout State) -> LogAppendResult {
        let key = Key(client: message.clientID, id: message.id)
        if let known = state.known[key] {
            return LogAppendResult(
                id: message.id, status: known.message == message ? .duplicate : .conflict,
                position: known.position)
        }
        let shard = Int(message.clientID.uuid.uuid.15) % state.shards.count
        let position = LogPosition(shard: shard, position: state.shards[shard].count + 1)
        // Whole milliseconds, as the wire carries them.
        let now = Timestamp(microseconds: SystemClock().now().microseconds / 1000 * 1000)
        state.shards[shard].append(LogEvent(message, position: position, receivedAt: now))
        state.known[key] = (message, position)
        return LogAppendResult(id: message.id, status: .accepted, position: position)
    }

    func feed(_ request: FeedRequest) async throws(LogError) -> FeedPage {
        let deadline = ContinuousClock.now + .milliseconds(request.waitMilliseconds)
        while true {
            let seen = appended.raises
            let page = try state.withLock { state throws(LogError) in
                state.feedCalls += 1
                if request.waitMilliseconds == 0 { state.quickCalls += 1 }
                try Self.requirePresence(state)
                let page = Self.page(request, &state)
                try Self.requireReadable(page, state)
                return page
            }
            let rest = ContinuousClock.now.duration(to: deadline)
            guard page.events.isEmpty, rest > .zero, !Task.isCancelled else { return page }
            await appended.wait(past: seen, within: rest)
        }
    }

    private static func page(_ request: FeedRequest, _ state: inout State) -> FeedPage {
        let rows = state.shards[request.shard]
        guard request.limit > 0 else {
            return FeedPage(
                shard: request.shard, events: [], next: request.after, head: rows.count)
        }
        if let subscriber = request.subscriber {
            state.acknowledged[subscriber, default: [:]][request.shard] = request.after
        }
        let matching = rows.dropFirst(request.after)
            .filter { request.wanted.includes(type: $0.type, facets: EventFacets($0)) }
        let events = Array(matching.prefix(request.limit))
        let next = events.count < matching.count ? events.last?.position.position : rows.count
        return FeedPage(
            shard: request.shard, events: events, next: max(next ?? 0, request.after),
            head: rows.count)
    }

    private static func requireReadable(_ page: FeedPage, _ state: State) throws(LogError) {
        guard page.events.contains(where: { state.unreadable.contains($0.number ?? -1) }),
            let first = page.events.first
        else { return }
        throw .unreadable(
            UnreadablePage(
                position: first.position, next: page.next, reason: "spoiled", body: [1, 2]))
    }

    private static func requirePresence(_ state: State) throws(LogError) {
        if state.isAway { throw LogError.unavailable(reason: "away") }
    }
}

extension MemoryLog {
    /// One message with the number as id and data.
    static func message(
        _ number: Int, client: ClientID, type: String = "test.happened"
    ) -> LogMessage {
        LogMessage(
            id: "message-\(number)", type: type, clientID: client,
            occurredAt: Timestamp(microseconds: 1_700_000_000_000_000),
            data: ["number": .number(JSONNumber(number))])
    }

    /// Appends messages with these numbers, as other services do.
    func publish(
        _ numbers: ClosedRange<Int>, client: ClientID, type: String = "test.happened"
    ) async throws {
        for start in stride(from: numbers.lowerBound, through: numbers.upperBound, by: 200) {
            let end = min(start + 199, numbers.upperBound)
            _ = try await append(
                (start...end).map { Self.message($0, client: client, type: type) })
        }
    }
}
