import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import SecurityKit
import ServiceKit
import Synchronization
import TestKit
import Testing

@testable import CampaignService

enum CampaignSample {
    static let document: JSONValue = [
        "name": "Welcome", "pulse": "signup",
        "reward_rules": [
            [
                "rule_id": "welcome", "recipient": "participant", "kind": "credit",
                "amount": ["units": "1000", "asset": "USD"],
            ]
        ],
        "budget": ["units": "100000", "asset": "USD"],
    ]

    /// Both sides are rewarded and the new one is written to.
    static let referralDocument: JSONValue = [
        "name": "Bring a friend", "pulse": "signup",
        "referral": ["destination_url": "https://shop.example/welcome"],
        "notifications": [
            ["recipient": "participant", "channel": "email", "template": "welcome"]
        ],
        "reward_rules": [
            [
                "rule_id": "welcome", "recipient": "participant", "kind": "credit",
                "amount": ["units": "1000", "asset": "USD"],
            ],
            [
                "rule_id": "thanks", "recipient": "referrer", "kind": "credit",
                "amount": ["units": "2000", "asset": "USD"],
            ],
        ],
        "budget": ["units": "100000", "asset": "USD"],
    ]
}

/// Campaign-service in this process; client-service and the log stand in over real HTTP.
struct CampaignHarness {
    private static let description = OpenAPIDocument(CampaignService.openAPI)

    let service: RunningService<CampaignService>
    let http: HTTPClient
    let peers: StandInPeers

    static func run(
        clock: any TimeSource = SystemClock(), _ body: (CampaignHarness) async throws -> Void
    ) async throws {
        let peers = StandInPeers()
        let (server, port) = try peers.serve()
        try await TestPostgres.shared().withDatabase { database in
            let url = "http://127.0.0.1:\(port)"
            let common = CommonConfiguration(
                service: .campaign, databaseURL: database.url, peers: [.client: url, .event: url])
            var environment = EnvironmentReader([:])
            let service = try await RunningService.start(
                CampaignService.self, configuration: CampaignConfiguration(&environment),
                common: common,
                world: World(clock: clock))
            let http = HTTPClient(HTTPClientConfiguration(), world: World())
            let harness = CampaignHarness(service: service, http: http, peers: peers)
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(harness))
            } catch {
                result = .failure(error)
            }
            await service.stop()
            await http.shutdown()
            await server.drain(within: .seconds(1))
            try result.get()
        }
    }

    /// Calls a portal route as the client (or as the other client).
    func call(
        _ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil, asOther: Bool = false,
        headers: [(String, String)] = []
    ) async throws -> (status: Int, body: JSONValue, headers: HTTPHeaders) {
        var fields = HTTPHeaders()
        fields.add("Authorization", "Bearer \(asOther ? peers.otherKey.text : peers.key.text)")
        if body != nil { fields.add("Content-Type", "application/json") }
        for (name, value) in headers { fields.add(name, value) }
        let response = try await http.send(
            ClientRequest(
                method: method, url: service.url + "/v1/portal/campaigns" + path, headers: fields,
                body: try body.map { try JSONCoding.encode($0) } ?? (method == .get ? nil : []),
                // Longer than an answer waits for the log.
                deadline: .seconds(20)), describedBy: Self.description)
        return (response.status, try JSONCoding.parse(response.body), response.headers)
    }

    /// What a page is told of a campaign.
    func page(
        _ id: String, asOther: Bool = false
    ) async throws -> (status: Int, body: JSONValue, headers: HTTPHeaders) {
        let key = asOther ? peers.otherKey : peers.key
        let response = try await http.send(
            ClientRequest(
                url: service.url + "/v1/sdk/campaigns/\(id)",
                headers: ["Authorization": "Bearer \(key.text)"]), describedBy: Self.description)
        return (response.status, try JSONCoding.parse(response.body), response.headers)
    }

    func create(_ document: JSONValue = CampaignSample.document) async throws -> String {
        let created = try await call(.post, "", document)
        #expect(created.status == 201)
        return try #require(created.body["campaign_id"]?.string)
    }
}

/// Client-service's keys and event-service's log, as far as this service needs them.
final class StandInPeers: Sendable {
    let clientID = ClientID(UUID())
    let otherClientID = ClientID(UUID())
    let key = APIKeySecret.generate(kind: .secret, mode: .live)
    let otherKey = APIKeySecret.generate(kind: .secret, mode: .live)
    private let log = Mutex<(messages: [LogMessage], isAway: Bool)>(([], false))

    /// What the log has, each message once.
    var messages: [LogMessage] { log.withLock { $0.messages } }

    func setLogAway(_ isAway: Bool) { log.withLock { $0.isAway = isAway } }

    func serve() throws -> (HTTPServer, UInt16) {
        var router = Router()
        router.group(Audience<Void>.open(prefix: "/internal")) { group in
            group.on(ClientContracts.resolveKey) { input, _, _ in
                ResolveKeyResponse(key: self.resolve(input.keyHash))
            }
            group.on(EventContracts.shards) { _, _, _ in LogShardsResponse(count: 1) }
            group.on(EventContracts.append) { input, _, _ in try self.append(input) }
            group.get("/feed") { _, _ in
                .json(FeedPage(shard: 0, events: [], next: 0, head: 0))
            }
        }
        var configuration = HTTPServerConfiguration()
        configuration.port = 0
        let server = HTTPServer(router: router, configuration: configuration, world: World())
        return (server, try server.start())
    }

    private func append(_ input: LogAppendRequest) throws -> LogAppendResponse {
        try log.withLock { log in
            guard !log.isAway else { throw Problem.unavailable() }
            return LogAppendResponse(
                results: input.messages.map { message in
                    let isKnown = log.messages.contains { $0.id == message.id }
                    if !isKnown { log.messages.append(message) }
                    return LogAppendResult(
                        id: message.id, status: isKnown ? .duplicate : .accepted, position: nil)
                })
        }
    }

    private func resolve(_ hash: String) -> ResolvedKey? {
        let client =
            hash == Hex.encode(key.hash)
            ? clientID : hash == Hex.encode(otherKey.hash) ? otherClientID : nil
        return client.map {
            ResolvedKey(
                keyID: APIKeyID($0.uuid), clientID: $0, kind: .secret, mode: .live, scopes: [],
                origins: [], clientStatus: .active, businessClockOffsetMilliseconds: 0)
        }
    }
}
