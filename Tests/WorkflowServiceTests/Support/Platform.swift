import Contracts
import Foundation
import HTTPKit
import Kernel
import MessagingKit
import SecurityKit
import Synchronization

/// Stands in for all other services over real HTTP: the log with its contract, campaigns as told,
/// and rewards that remember each key.
final class Platform: Sendable {
    /// One call to a service that was answered.
    struct Call: Sendable, Hashable {
        let path: String
        let key: String
        let position: String?
        let traceID: String?
    }

    struct State {
        var shards: [[LogEvent]] = [[], []]
        var known: [String: LogPosition] = [:]
        var definitions: [CampaignID: [Int: CampaignDefinition]] = [:]
        var shops: [Shop] = []
        /// Every answered call, repeats included.
        var calls: [Call] = []
        /// What each key was answered: an effect happens once per key.
        var answers: [String: RewardSummary] = [:]
        /// Ends of paths whose service is away, or refuses for good.
        var awayPaths: Set<String> = []
        var refusedPaths: [String: Problem] = [:]
        /// The events that eligibility was judged with.
        var judgedEvents: [JSONValue] = []
        var isEligible = true
        /// Who may have nothing while all others may.
        var excluded: Set<ParticipantID> = []
        var refusal: String?
        /// Rules that are refused, with the reason.
        var refusedRules: [String: String] = [:]
        var rewardStatus = RewardStatus.approved
        /// Whether a grant hands over what is approved.
        var handsOverWithGrant = true
        /// Who brought whom.
        var referrers: [ParticipantID: ParticipantID] = [:]
        var isSelfReferral = false
        /// What was asked, each repeat included.
        var allocations: [AllocateRewardRequest] = []
        var conversions: [CheckConversionRequest] = []
        var messages: [SendNotificationRequest] = []
        /// Templates that are refused, with the reason.
        var refusedTemplates: [String: String] = [:]
    }

    let state = Mutex(State())
    private let appended = WakeSignal()

    func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

    // MARK: - The log

    @discardableResult
    func append(_ events: [LogEvent]) -> [LogPosition] {
        let positions = state.withLock { state in events.map { Self.add($0, to: &state) } }
        appended.raise()
        return positions
    }

    private static func add(_ event: LogEvent, to state: inout State) -> LogPosition {
        let identity = "\(event.clientID) \(event.eventID)"
        if let known = state.known[identity] { return known }
        let shard = Int(event.clientID.uuid.uuid.15) % state.shards.count
        let position = LogPosition(shard: shard, position: state.shards[shard].count + 1)
        state.shards[shard].append(
            LogEvent(
                position: position, eventID: event.eventID, type: event.type,
                clientID: event.clientID, campaignID: event.campaignID,
                participant: event.participant, occurredAt: event.occurredAt,
                receivedAt: event.receivedAt, trust: event.trust, subject: event.subject,
                properties: event.properties, traceparent: event.traceparent))
        state.known[identity] = position
        return position
    }

    func tell(_ messages: [LogMessage]) -> [LogPosition] {
        append(
            messages.map {
                LogEvent(
                    $0, position: LogPosition(shard: 0, position: 0),
                    receivedAt: SystemClock().now())
            })
    }

    /// A campaign comes to stand like this.
    func tell(_ type: String, _ definition: CampaignDefinition) throws {
        change {
            $0.definitions[definition.campaignID, default: [:]][definition.revision] = definition
        }
        _ = tell([
            LogMessage(
                id: UUID().uuidString, type: type, clientID: definition.clientID,
                campaignID: definition.campaignID, occurredAt: SystemClock().now(),
                data: try JSONCoding.parse(try JSONCoding.encode(definition)))
        ])
    }

    func events(_ type: String) -> [LogEvent] {
        state.withLock { $0.shards.flatMap(\.self).filter { $0.type == type } }
    }

    func outcomes(_ type: String) throws -> [WorkflowOutcome] {
        try events(type).map {
            try JSONCoding.decode(
                WorkflowOutcome.self, from: try JSONCoding.encode($0.properties),
                strictness: .lenient)
        }
    }

    // MARK: - What was asked

    func calls(_ path: String) -> [Call] {
        state.withLock { $0.calls.filter { $0.path.hasSuffix(path) } }
    }

    func keys(_ path: String) -> Set<String> { Set(calls(path).map(\.key)) }

    // MARK: - Serving

    func serve() throws -> (server: HTTPServer, port: UInt16) {
        var router = Router()
        router.group(Audience<Void>.open(prefix: "/internal")) { group in
            serveLog(&group)
            serveRewards(&group)
            serveReferrals(&group)
            serveNotifications(&group)
            group.on(ClientContracts.resolveKey) { input, _, _ in self.resolve(input) }
            group.on(CampaignContracts.getCampaign) { input, request, _ in
                try self.admit(request)
                let found = self.state.withLock {
                    $0.definitions[input.campaignID]?[input.revision ?? 1]
                }
                guard let found else { throw Problem.notFound("campaign") }
                return found
            }
        }
        var configuration = HTTPServerConfiguration()
        configuration.port = 0
        let server = HTTPServer(router: router, configuration: configuration, world: World())
        return (server, try server.start())
    }

    private func serveLog(_ group: inout RouteGroup<Void>) {
        group.on(EventContracts.shards) { _, _, _ in LogShardsResponse(count: 2) }
        group.on(EventContracts.append) { input, _, _ in
            let positions = self.tell(input.messages)
            return LogAppendResponse(
                results: zip(input.messages, positions).map {
                    LogAppendResult(id: $0.id, status: .accepted, position: $1)
                })
        }
        group.get("/feed") { request, _ in
            let shard = try request.query.integer("shard") ?? 0
            let after = try request.query.integer("after") ?? 0
            let limit = try request.query.integer("limit") ?? 500
            let wait = try request.query.integer("wait_milliseconds") ?? 0
            let types = request.query["types"].map {
                Set($0.split(separator: ",").map(String.init))
            }
            let deadline = ContinuousClock.now + .milliseconds(wait)
            while true {
                let seen = self.appended.raises
                let page = self.page(shard, after, limit, types)
                let rest = ContinuousClock.now.duration(to: deadline)
                guard page.events.isEmpty, rest > .zero else { return .json(page) }
                await self.appended.wait(past: seen, within: rest)
            }
        }
    }

    private func page(_ shard: Int, _ after: Int, _ limit: Int, _ types: Set<String>?) -> FeedPage {
        let rows = state.withLock { $0.shards[shard] }
        let matching = rows.dropFirst(after).filter { types?.contains($0.type) ?? true }
        let events = Array(matching.prefix(limit))
        let passed = events.count < matching.count ? events.last?.position.position : rows.count
        return FeedPage(
            shard: shard, events: events, next: limit == 0 ? after : max(passed ?? 0, after),
            head: rows.count)
    }

    private func resolve(_ input: ResolveKeyRequest) -> ResolveKeyResponse {
        let shop = state.withLock { state in
            state.shops.first { Hex.encode($0.key.hash) == input.keyHash }
        }
        return ResolveKeyResponse(
            key: shop.map {
                ResolvedKey(
                    keyID: APIKeyID($0.clientID.uuid), clientID: $0.clientID, kind: .secret,
                    mode: .live, scopes: [], origins: [], clientStatus: .active,
                    businessClockOffsetMilliseconds: 0)
            })
    }
}
