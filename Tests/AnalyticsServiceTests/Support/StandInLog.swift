import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import MessagingKit
import SecurityKit
import ServiceKit
import Synchronization

/// Stands in for client-service and event-service: real HTTP, a log of two shards in memory, and
/// the keys of two clients, one in each shard.
final class StandInLog: Sendable {
    struct Tenant: Sendable {
        let clientID: ClientID
        let key: APIKeySecret
        let shard: Int
    }

    private struct State {
        var shards: [[LogEvent]] = [[], []]
        var acknowledged = [0, 0]
        var spoiled: Set<LogPosition> = []
        var revoked: Set<ClientID> = []
        var takesMessages = false
        /// So many events of each shard are shown to readers; nil for all.
        var shown: [Int]?
    }

    let tenant = Tenant(
        clientID: ClientID(UUID()), key: APIKeySecret.generate(kind: .secret, mode: .live),
        shard: 0)
    let other = Tenant(
        clientID: ClientID(UUID()), key: APIKeySecret.generate(kind: .secret, mode: .live),
        shard: 1)
    private let state = Mutex(State())
    private let appended = WakeSignal()

    var heads: [Int] { state.withLock { $0.shards.map(\.count) } }
    var acknowledged: [Int] { state.withLock { $0.acknowledged } }

    /// From now on nobody can read this event.
    func spoil(_ position: LogPosition) { state.withLock { _ = $0.spoiled.insert(position) } }

    /// From now on `POST /internal/log` is answered, whoever sends; before, there is no such route.
    func takeMessages() { state.withLock { $0.takesMessages = true } }

    /// Readers see all that `body` appends at the same moment.
    func together(_ body: () throws -> Void) rethrows {
        state.withLock { $0.shown = $0.shards.map(\.count) }
        defer {
            state.withLock { $0.shown = nil }
            appended.raise()
        }
        try body()
    }

    private func take(_ messages: [LogMessage]) throws(Problem) -> LogAppendResponse {
        guard state.withLock({ $0.takesMessages }) else { throw .unavailable() }
        return LogAppendResponse(
            results: messages.map { message in
                let position = state.withLock { state in
                    let position = LogPosition(shard: 0, position: state.shards[0].count + 1)
                    state.shards[0].append(
                        LogEvent(message, position: position, receivedAt: SystemClock().now()))
                    return position
                }
                appended.raise()
                return LogAppendResult(id: message.id, status: .accepted, position: position)
            })
    }

    /// Puts an event into its tenant's shard.
    @discardableResult
    func append(
        _ type: String, id: String = UUID().uuidString, of tenant: Tenant? = nil,
        campaign: CampaignID? = nil, participant: LogParticipant? = nil,
        at time: Timestamp = SystemClock().now(), trust: Trust = .internal,
        subject: String? = nil, properties: JSONValue = .object([:]), context: JSONValue? = nil
    ) -> LogPosition {
        let tenant = tenant ?? self.tenant
        let position = state.withLock { state in
            let position = LogPosition(
                shard: tenant.shard, position: state.shards[tenant.shard].count + 1)
            state.shards[tenant.shard].append(
                LogEvent(
                    position: position, eventID: id, type: type, clientID: tenant.clientID,
                    campaignID: campaign, participant: participant, occurredAt: time,
                    receivedAt: time, trust: trust, subject: subject, properties: properties,
                    context: context))
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
            group.on(EventContracts.append) { input, _, _ in try self.take(input.messages) }
            group.on(EventContracts.shards) { _, _, _ in LogShardsResponse(count: 2) }
            group.get("/feed") { request, _ in
                .bytes(
                    try self.written(await self.page(request.query)),
                    contentType: MediaType.json)
            }
        }
        var configuration = HTTPServerConfiguration()
        configuration.port = 0
        let server = HTTPServer(router: router, configuration: configuration, world: World())
        return (server, try server.start())
    }

    private func page(_ query: QueryParameters) async -> FeedPage {
        let shard = (try? query.integer("shard")) ?? 0
        let after = (try? query.integer("after")) ?? 0
        let limit = (try? query.integer("limit")) ?? 500
        let wait = (try? query.integer("wait_milliseconds")) ?? 0
        let types = query["types"].map { Set($0.split(separator: ",").map(String.init)) }
        let deadline = ContinuousClock.now + .milliseconds(wait)
        while true {
            let seen = appended.raises
            let page = state.withLock { state in
                if query["subscriber"] == "analytics", limit > 0 {
                    state.acknowledged[shard] = max(state.acknowledged[shard], after)
                }
                let all = state.shards[shard].prefix(state.shown?[shard] ?? .max)
                let matching = all.dropFirst(after).filter { types?.contains($0.type) ?? true }
                let events = Array(matching.prefix(limit))
                let next =
                    events.count < matching.count ? events.last?.position.position : all.count
                return FeedPage(
                    shard: shard, events: events, next: limit == 0 ? after : max(next ?? 0, after),
                    head: all.count)
            }
            let rest = ContinuousClock.now.duration(to: deadline)
            guard page.events.isEmpty, rest > .zero, !Task.isCancelled else { return page }
            await appended.wait(past: seen, within: rest)
        }
    }

    /// Revokes a tenant's key and says so.
    func revokeKey(of tenant: Tenant) {
        state.withLock { _ = $0.revoked.insert(tenant.clientID) }
        append(
            ClientMessage.keyRevoked, of: tenant,
            properties: [
                "key_id": .string(APIKeyID(UUID()).description),
                "key_hash": .string(Hex.encode(tenant.key.hash)),
            ])
    }

    /// A page as event-service writes it.
    private func written(_ page: FeedPage) throws -> [UInt8] {
        let spoiled = state.withLock { $0.spoiled }
        let events = try page.events.map { event in
            let position = #""position":"\#(event.position)""#
            guard !spoiled.contains(event.position) else { return "{\(position),\"type\":7}" }
            let text = String(decoding: try JSONCoding.encode(event), as: UTF8.self)
            return "{\(position)," + text.replacing("\(position),", with: "").dropFirst()
        }
        let frame = #"{"shard":\#(page.shard),"next":\#(page.next),"head":\#(page.head),"#
        return Array("\(frame)\"events\":[\(events.joined(separator: ","))]}".utf8)
    }

    private func key(_ hash: String) -> ResolvedKey? {
        let revoked = state.withLock { $0.revoked }
        let owner = [tenant, other].first {
            Hex.encode($0.key.hash) == hash && !revoked.contains($0.clientID)
        }
        return owner.map {
            ResolvedKey(
                keyID: APIKeyID(UUID()), clientID: $0.clientID, kind: .secret, mode: .live,
                scopes: [], origins: [], clientStatus: .active,
                businessClockOffsetMilliseconds: 0)
        }
    }
}
