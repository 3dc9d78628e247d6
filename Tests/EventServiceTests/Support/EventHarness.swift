import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import MessagingKit
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import EventService

/// Event-service in this process, with a stand-in for client-service that knows some keys.
struct EventHarness {
    static let description = OpenAPIDocument(EventService.openAPI)

    let service: RunningService<EventService>
    let http: HTTPClient
    let callerKey: Ed25519PrivateKey
    let keys: KeyDirectory
    let database: TestDatabase

    /// - Parameter settings: of event-service, by their variables; else the defaults.
    static func run(
        _ settings: [String: String] = [:], _ body: (EventHarness) async throws -> Void
    ) async throws {
        let keys = try KeyDirectory()
        let clientService = try keys.serve()
        let caller = Ed25519PrivateKey.generate()
        try await TestPostgres.shared().withDatabase { database in
            let common = CommonConfiguration(
                service: .event, databaseURL: database.url,
                redisURL: try await TestRedis.make().url,
                peers: Dictionary(
                    uniqueKeysWithValues: [ServiceName.client, .workflow, .analytics].map {
                        ($0, "http://127.0.0.1:\(clientService.port)")
                    }),
                serviceKeys: [.workflow: caller.publicKey])
            var environment = EnvironmentReader(settings)
            let service = try await RunningService.start(
                EventService.self, configuration: EventConfiguration(&environment),
                common: common, world: World())
            let harness = EventHarness(
                service: service, http: HTTPClient(HTTPClientConfiguration(), world: World()),
                callerKey: caller, keys: keys, database: database)
            do {
                try await eventually("the service is ready") { try await harness.isReady() }
                try await body(harness)
            } catch {
                await harness.stop(clientService.server)
                throw error
            }
            await harness.stop(clientService.server)
        }
    }

    private func stop(_ clientService: HTTPServer) async {
        await service.stop()
        await http.shutdown()
        await clientService.drain(within: .seconds(1))
    }

    private func isReady() async throws -> Bool {
        try await http.send(ClientRequest(method: .get, url: service.url + "/readyz")).status == 200
    }

    /// Sends a batch with a key; the answer's status and document.
    func ingest(
        _ events: String, key: String, headers: [(String, String)] = []
    ) async throws -> (status: Int, body: JSONValue) {
        var fields = HTTPHeaders()
        fields.add("Content-Type", "application/json")
        fields.add("Authorization", "Bearer \(key)")
        for (name, value) in headers { fields.add(name, value) }
        let response = try await http.send(
            ClientRequest(
                method: .post, url: service.url + "/v1/sdk/events", headers: fields,
                body: Array(#"{"events":\#(events)}"#.utf8)),
            describedBy: Self.description)
        return (response.status, try JSONCoding.parse(response.body))
    }

    /// Sends a body to a path with whatever headers; the answer as it came.
    func post(
        _ path: String, _ body: [UInt8], _ headers: HTTPHeaders = HTTPHeaders()
    ) async throws -> ClientResponse {
        try await http.send(
            ClientRequest(method: .post, url: service.url + path, headers: headers, body: body),
            describedBy: Self.description)
    }

    /// Sends JSON to a path with a key; the answer's status and document.
    func post(
        _ path: String, json: String, key: String?
    ) async throws -> (status: Int, body: JSONValue) {
        var headers: HTTPHeaders = ["Content-Type": "application/json"]
        if let key { headers.add("Authorization", "Bearer \(key)") }
        let response = try await post(path, Array(json.utf8), headers)
        return (response.status, try JSONCoding.parse(response.body))
    }

    /// Every event of the client in the log.
    func logged() async throws -> [LogEvent] {
        let shard = ShardMap.installed.shard(of: keys.clientID)
        return try await HTTPLog(peer: peer).feed(
            FeedRequest(subscriber: nil, shard: shard, after: 0)
        ).events
    }

    /// The log as another service sees it.
    var peer: PeerClient {
        let issuer = ServiceTokenIssuer(
            caller: .workflow, key: callerKey, clock: SystemClock())
        return PeerClient(
            name: "event-service", baseURL: service.url, client: http,
            authorization: { "Bearer \(issuer.token(for: .event))" })
    }
}

/// Stands in for client-service: real HTTP, a fixed list of keys.
struct KeyDirectory: Sendable {
    /// Another client, with a secret key of its own.
    let strangerID = ClientID(UUID())
    let stranger = APIKeySecret.generate(kind: .secret, mode: .live)
    let clientID = ClientID(UUID())
    let publishable = APIKeySecret.generate(kind: .publishable, mode: .live)
    let secret = APIKeySecret.generate(kind: .secret, mode: .live)
    /// The id of `secret`.
    let secretID = APIKeyID(UUID())
    let suspended = APIKeySecret.generate(kind: .secret, mode: .live)
    /// Publishable, for pages of `origin` only.
    let bound = APIKeySecret.generate(kind: .publishable, mode: .live)
    static let origin = "https://shop.example"

    init() throws {}

    func serve() throws -> (server: HTTPServer, port: UInt16) {
        var router = Router()
        let directory = self
        router.group(Audience<Void>.open(prefix: "/internal")) { group in
            group.on(ClientContracts.resolveKey) { input, _, _ in
                ResolveKeyResponse(
                    key: directory.key(input.keyHash) ?? directory.strangersKey(input.keyHash))
            }
            group.on(ClientContracts.findKey) { input, _, _ in
                FindKeyResponse(
                    isInUse: input.clientID == directory.clientID
                        && input.keyID == directory.secretID)
            }
            group.on(EventContracts.shards) { _, _, _ in LogShardsResponse(count: 8) }
            // Stands in for workflow-service and analytics-service as well.
            group.on(WorkflowContracts.runsOfEvent) { input, _, _ in
                EventRunsResponse(runs: [Self.run(at: input.position)])
            }
            group.on(AnalyticsContracts.archivedEvent) { input, _, _ in
                guard input.type != "clickhouse_is_away" else {
                    throw Problem.unavailable("clickhouse_unavailable", "Away.")
                }
                return ArchivedEventResponse(isStored: input.type == "user_signed_up")
            }
        }
        var configuration = HTTPServerConfiguration()
        configuration.port = 0
        let server = HTTPServer(router: router, configuration: configuration, world: World())
        return (server, try server.start())
    }

    static let campaignID = CampaignID(UUID())

    private static func run(at position: LogPosition) -> EventRun {
        EventRun(
            runID: RunID(UUID()), campaignID: campaignID, pulse: .signup, status: "completed",
            outcome: "at \(position)", startedAt: SystemClock().now(), finishedAt: nil)
    }

    private func key(_ hash: String) -> ResolvedKey? {
        func resolved(
            _ kind: APIKeyKind, _ status: ClientStatus, origins: [String] = [],
            id: APIKeyID = APIKeyID(UUID())
        ) -> ResolvedKey {
            ResolvedKey(
                keyID: id, clientID: clientID, kind: kind, mode: .live, scopes: [],
                origins: origins, clientStatus: status, businessClockOffsetMilliseconds: 0)
        }
        if hash == Hex.encode(publishable.hash) { return resolved(.publishable, .active) }
        if hash == Hex.encode(secret.hash) { return resolved(.secret, .active, id: secretID) }
        if hash == Hex.encode(suspended.hash) { return resolved(.secret, .suspended) }
        if hash == Hex.encode(bound.hash) {
            return resolved(.publishable, .active, origins: [Self.origin])
        }
        return nil
    }

    private func strangersKey(_ hash: String) -> ResolvedKey? {
        guard hash == Hex.encode(stranger.hash) else { return nil }
        return ResolvedKey(
            keyID: APIKeyID(UUID()), clientID: strangerID, kind: .secret, mode: .live, scopes: [],
            origins: [], clientStatus: .active, businessClockOffsetMilliseconds: 0)
    }
}
