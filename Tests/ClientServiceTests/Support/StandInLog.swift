import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import Synchronization
import TestKit

/// Event-service's log of one shard, over real HTTP: takes messages and feeds what it has.
final class StandInLog: Sendable {
    private struct State {
        var messages: [LogMessage] = []
        var events: [LogEvent] = []
        var isAway = false
    }

    private let state = Mutex(State())

    /// What services said, each message once.
    var messages: [LogMessage] { state.withLock { $0.messages } }

    var head: Int { state.withLock { $0.events.count } }

    func setAway(_ isAway: Bool) { state.withLock { $0.isAway = isAway } }

    /// Adds a client's event and returns its position.
    @discardableResult
    func add(
        _ type: String, of client: ClientID, participant: LogParticipant?, trust: Trust = .server,
        occurredAt: Timestamp = SystemClock().now(), receivedAt: Timestamp = SystemClock().now()
    ) -> LogPosition {
        state.withLock { state in
            let position = LogPosition(shard: 0, position: state.events.count + 1)
            state.events.append(
                LogEvent(
                    position: position, eventID: "e\(position.position)", type: type,
                    clientID: client, participant: participant, occurredAt: occurredAt,
                    receivedAt: receivedAt, trust: trust, properties: [:]))
            return position
        }
    }

    func serve() throws -> (HTTPServer, UInt16) {
        var router = Router()
        router.group(Audience<Void>.open(prefix: "/internal")) { group in
            group.on(EventContracts.shards) { _, _, _ in LogShardsResponse(count: 1) }
            group.on(EventContracts.append) { input, _, _ in try self.append(input) }
            group.get("/feed") { request, _ in try await self.feed(request.query) }
        }
        var configuration = HTTPServerConfiguration()
        configuration.port = 0
        let server = HTTPServer(router: router, configuration: configuration, world: World())
        return (server, try server.start())
    }

    private func append(_ input: LogAppendRequest) throws -> LogAppendResponse {
        try state.withLock { state in
            guard !state.isAway else { throw Problem.unavailable() }
            return LogAppendResponse(
                results: input.messages.map { message in
                    if state.messages.contains(where: { $0.id == message.id }) {
                        return LogAppendResult(id: message.id, status: .duplicate, position: nil)
                    }
                    let position = LogPosition(shard: 0, position: state.events.count + 1)
                    state.messages.append(message)
                    state.events.append(
                        LogEvent(message, position: position, receivedAt: SystemClock().now()))
                    return LogAppendResult(id: message.id, status: .accepted, position: position)
                })
        }
    }

    private func feed(_ query: QueryParameters) async throws -> HTTPResponse {
        let after = try query.integer("after") ?? 0
        let limit = try query.integer("limit") ?? 500
        let wait = try query.integer("wait_milliseconds") ?? 0
        let types = query["types"].map { Set($0.split(separator: ",").map(String.init)) }
        let deadline = ContinuousClock.now + .milliseconds(wait)
        while true {
            let events = state.withLock { $0.events }
            let rest = events.dropFirst(after)
            let wanted = rest.filter { types?.contains($0.type) ?? true }.prefix(limit)
            if !wanted.isEmpty || limit == 0 || ContinuousClock.now >= deadline {
                let isCut = wanted.count == limit
                let next = limit == 0 ? after : isCut ? wanted.last?.position.position : nil
                return .json(
                    FeedPage(
                        shard: 0, events: Array(wanted), next: next ?? max(after, events.count),
                        head: events.count))
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
