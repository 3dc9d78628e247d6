import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import MessagingKit
import SecurityKit
import ServiceKit
import Synchronization

/// Stands in for client-service and event-service: real HTTP, a log of one shard in memory, a few
/// keys, and participants that are all known unless said otherwise.
final class StandInPeers: Sendable {
    struct Tenant: Sendable {
        let clientID: ClientID
        let key: APIKeySecret
    }

    private struct State {
        var events: [LogEvent] = []
        var messages: [LogMessage] = []
        var unknownParticipants: Set<ParticipantID> = []
        var trustedTraits: [ParticipantID: JSONValue] = [:]
        var isClientServiceAway = false
        var positions: [String?] = []
    }

    let tenant = Tenant(
        clientID: ClientID(UUID()), key: APIKeySecret.generate(kind: .secret, mode: .live))
    let other = Tenant(
        clientID: ClientID(UUID()), key: APIKeySecret.generate(kind: .secret, mode: .live))
    private let state = Mutex(State())
    private let appended = WakeSignal()

    /// What the service told the log, in order.
    var messages: [LogMessage] { state.withLock { $0.messages } }
    var head: Int { state.withLock { $0.events.count } }
    /// The positions that participant look-ups carried.
    var lookUpPositions: [String?] { state.withLock { $0.positions } }

    func forget(_ participant: ParticipantID) {
        _ = state.withLock { $0.unknownParticipants.insert(participant) }
    }

    func tell(_ traits: JSONValue, of participant: ParticipantID) {
        state.withLock { $0.trustedTraits[participant] = traits }
    }

    func setClientServiceAway(_ isAway: Bool) {
        state.withLock { $0.isClientServiceAway = isAway }
    }

    /// Puts an event into the log; `trust` is that of a service unless said otherwise.
    @discardableResult
    func publish(
        _ type: String, _ data: JSONValue, client: ClientID, at time: Timestamp,
        trust: Trust = .internal
    ) -> LogPosition {
        let position = state.withLock { state in
            let position = LogPosition(shard: 0, position: state.events.count + 1)
            state.events.append(
                LogEvent(
                    position: position, eventID: UUID().uuidString, type: type, clientID: client,
                    occurredAt: time, receivedAt: time, trust: trust, properties: data))
            return position
        }
        appended.raise()
        return position
    }

    func serve() throws -> (server: HTTPServer, port: UInt16) {
        var router = Router()
        router.group(Audience<Void>.open(prefix: "/internal", bodyLimitBytes: 4 << 20)) { group in
            group.on(ClientContracts.resolveKey) { input, _, _ in
                ResolveKeyResponse(key: self.key(input.keyHash))
            }
            group.on(ClientContracts.lookUpParticipant) { input, request, _ in
                LookUpParticipantResponse(participant: try self.lookUp(input, request))
            }
            group.on(EventContracts.shards) { _, _, _ in LogShardsResponse(count: 1) }
            group.on(EventContracts.append) { input, _, _ in
                LogAppendResponse(results: self.take(input.messages))
            }
            group.get("/feed") { request, _ in .json(await self.page(request.query)) }
        }
        var configuration = HTTPServerConfiguration()
        configuration.port = 0
        let server = HTTPServer(router: router, configuration: configuration, world: World())
        return (server, try server.start())
    }

    private func take(_ messages: [LogMessage]) -> [LogAppendResult] {
        state.withLock { state in
            messages.map { message in
                if state.messages.contains(where: { $0.id == message.id }) {
                    return LogAppendResult(id: message.id, status: .duplicate, position: nil)
                }
                state.messages.append(message)
                return LogAppendResult(id: message.id, status: .accepted, position: nil)
            }
        }
    }

    private func page(_ query: QueryParameters) async -> FeedPage {
        let after = (try? query.integer("after")) ?? 0
        let limit = (try? query.integer("limit")) ?? 500
        let wait = (try? query.integer("wait_milliseconds")) ?? 0
        let types = query["types"].map { Set($0.split(separator: ",").map(String.init)) }
        let deadline = ContinuousClock.now + .milliseconds(wait)
        while true {
            let seen = appended.raises
            let page = state.withLock { state in
                let matching = state.events.dropFirst(after)
                    .filter { types?.contains($0.type) ?? true }
                let events = Array(matching.prefix(limit))
                let next =
                    events.count < matching.count
                    ? events.last?.position.position : state.events.count
                return FeedPage(
                    shard: 0, events: events, next: limit == 0 ? after : max(next ?? 0, after),
                    head: state.events.count)
            }
            let rest = ContinuousClock.now.duration(to: deadline)
            guard page.events.isEmpty, rest > .zero, !Task.isCancelled else { return page }
            await appended.wait(past: seen, within: rest)
        }
    }

    private func lookUp(
        _ input: LookUpParticipantRequest, _ request: HTTPRequest
    ) throws -> ParticipantProfile? {
        let (isAway, isUnknown, traits) = state.withLock { state in
            state.positions.append(request.headers[LogPosition.headerName])
            return (
                state.isClientServiceAway,
                state.unknownParticipants.contains(input.participantID),
                state.trustedTraits[input.participantID] ?? [:]
            )
        }
        if isAway { throw Problem.unavailable() }
        if isUnknown { return nil }
        let seen = Timestamp(microseconds: 1_700_000_000_000_000)
        return ParticipantProfile(
            participantID: input.participantID, clientID: input.clientID, externalID: "user-1",
            traits: ["plan": "pro"], trustedTraits: traits, firstSeenAt: seen, lastSeenAt: seen,
            signedUpAt: seen)
    }

    private func key(_ hash: String) -> ResolvedKey? {
        let owner = [tenant, other].first { Hex.encode($0.key.hash) == hash }
        return owner.map {
            ResolvedKey(
                keyID: APIKeyID(UUID()), clientID: $0.clientID, kind: .secret, mode: .live,
                scopes: [], origins: [], clientStatus: .active,
                businessClockOffsetMilliseconds: 0)
        }
    }
}
