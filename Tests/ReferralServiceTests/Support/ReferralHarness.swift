import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import ReferralService

/// Referral-service in this process, its peers beside it, a database of its own.
struct ReferralHarness: Sendable {
    private static let description = OpenAPIDocument(ReferralService.openAPI)

    let service: RunningService<ReferralService>
    let http: HTTPClient
    let peers: StandInPeers
    let postgres: PostgresClient
    let faults: RecordingFaults
    private let callerKey: Ed25519PrivateKey

    var client: ClientID { peers.tenant.clientID }

    static func run(
        _ settings: [String: String] = [:], redisURL: String? = nil,
        _ body: (ReferralHarness) async throws -> Void
    ) async throws {
        let peers = StandInPeers()
        let (server, port) = try peers.serve()
        let caller = Ed25519PrivateKey.generate()
        let faults = RecordingFaults()
        try await TestPostgres.shared().withDatabase { database in
            let url = "http://127.0.0.1:\(port)"
            let common = CommonConfiguration(
                service: .referral, databaseURL: database.url, redisURL: redisURL,
                peers: [.client: url, .event: url], serviceKeys: [.workflow: caller.publicKey])
            var environment = EnvironmentReader(settings)
            let service = try await RunningService.start(
                ReferralService.self, configuration: ReferralConfiguration(&environment),
                common: common, world: World(faults: faults))
            let harness = ReferralHarness(
                service: service, http: HTTPClient(HTTPClientConfiguration(), world: World()),
                peers: peers, postgres: database.client(), faults: faults, callerKey: caller)
            do {
                try await eventually("the service is ready") { try await harness.isReady() }
                try await body(harness)
            } catch {
                await harness.stop(server)
                throw error
            }
            await harness.stop(server)
        }
    }

    private func stop(_ peers: HTTPServer) async {
        await service.stop()
        await http.shutdown()
        await postgres.shutdown()
        await peers.drain(within: .seconds(1))
    }

    private func isReady() async throws -> Bool {
        try await http.send(ClientRequest(method: .get, url: service.url + "/readyz")).status == 200
    }

    // MARK: - The log

    /// Tells of a campaign; the position to carry in calls about it.
    @discardableResult
    func publish(
        _ campaign: CampaignDefinition, _ type: String = CampaignMessage.activated,
        trust: Trust = .internal
    ) throws -> LogPosition {
        let data = try JSONCoding.parse(JSONCoding.encode(campaign))
        return say(type, data, of: campaign.clientID, trust: trust)
    }

    @discardableResult
    func say(
        _ type: String, _ data: JSONValue, of client: ClientID, trust: Trust = .internal
    ) -> LogPosition {
        let now = SystemClock().now()
        return peers.log.add { position in
            LogEvent(
                position: position, eventID: UUID().uuidString, type: type, clientID: client,
                occurredAt: now, receivedAt: now, trust: trust, properties: data)
        }
    }

    /// Puts a client's event into the log.
    @discardableResult
    func event(
        _ type: String = "page_viewed", of client: ClientID? = nil, person: String? = nil,
        visitor: String? = nil, click: String? = nil, code: String? = nil,
        properties: JSONValue = [:], traits: [String: JSONValue]? = nil,
        occurredAt: Timestamp = SystemClock().now(), trust: Trust = .server,
        eventID: String = UUID().uuidString
    ) -> LogPosition {
        peers.log.add { position in
            sampleEvent(
                type, at: position, of: client ?? self.client, person: person, visitor: visitor,
                click: click, code: code, properties: properties, traits: traits,
                occurredAt: occurredAt, trust: trust, eventID: eventID)
        }
    }

    /// Waits until the service has passed everything that was published.
    func settle() async throws {
        let head = peers.log.head
        try await eventually("everything published was taken") {
            let row = try await postgres.queryOne(
                "select position from messaging_cursor where subscriber = 'referral'")
            return try (row?.get("position") ?? 0) >= head
        }
    }

    /// Waits until the log has so many messages of a type, and gives their data.
    func messages(_ type: String, count: Int) async throws -> [LogMessage] {
        try await eventually("\(count) messages \(type)") {
            let found = peers.log.messages.filter { $0.type == type }
            return found.count >= count ? found : nil
        }
    }

    func count(_ table: String) async throws -> Int {
        let row = try await postgres.queryOne("select count(*) as n from \(identifier: table)")
        return try row?.get("n") ?? -1
    }

    // MARK: - The workflow's calls

    /// The service as workflow-service calls it.
    var workflow: PeerClient {
        let issuer = ServiceTokenIssuer(caller: .workflow, key: callerKey, clock: SystemClock())
        return PeerClient(
            name: "referral-service", baseURL: service.url, client: http,
            authorization: { "Bearer \(issuer.token(for: .referral))" })
    }

    func issue(
        _ campaign: CampaignDefinition, _ person: String, position: LogPosition? = nil
    ) async throws -> ReferralLink {
        try await workflow.call(
            ReferralContracts.issueLink,
            IssueReferralLinkRequest(
                clientID: campaign.clientID, campaignID: campaign.campaignID,
                participantID: .named(person, of: campaign.clientID)),
            CallOptions(
                idempotencyKey: UUID().uuidString, position: position?.description,
                deadline: .seconds(30)))
    }

    func check(
        _ campaign: CampaignDefinition, _ person: String, subject: String = "order-1",
        kind: ConversionKind = .purchase, key: String = UUID().uuidString,
        occurredAt: Timestamp = SystemClock().now(), dryRun: Bool = false
    ) async throws -> ConversionDecision {
        try await workflow.call(
            ReferralContracts.checkConversion,
            CheckConversionRequest(
                clientID: campaign.clientID, campaignID: campaign.campaignID,
                revision: campaign.revision, kind: kind,
                participantID: .named(person, of: campaign.clientID), subject: subject,
                occurredAt: occurredAt, value: campaign.budget, runID: RunID(UUID()),
                dryRun: dryRun),
            CallOptions(
                idempotencyKey: key,
                position: LogPosition(shard: 0, position: peers.log.head)
                    .description, deadline: .seconds(30)))
    }

    // MARK: - Visitors and the portal

    /// Opens a link as a browser does, and does not follow where it leads.
    func visit(
        _ path: String, method: HTTPMethod = .get, headers: HTTPHeaders = HTTPHeaders()
    ) async throws -> (status: Int, headers: HTTPHeaders, body: [UInt8]) {
        var headers = headers
        if !headers.contains("User-Agent") { headers.add("User-Agent", "Mozilla/5.0 Firefox/140") }
        let response = try await http.send(
            ClientRequest(
                method: method, url: service.url + "/r/" + path, headers: headers,
                deadline: .seconds(30), retry: .never), describedBy: Self.description)
        return (response.status, response.headers, response.body)
    }

    struct Answer: Sendable {
        let status: Int
        let body: JSONValue
    }

    func get(_ path: String, as tenant: StandInTenant? = nil) async throws -> Answer {
        try await send(.get, path, body: nil, as: tenant)
    }

    func post(
        _ path: String, _ body: String, as tenant: StandInTenant? = nil
    ) async throws -> Answer {
        try await send(.post, path, body: body, as: tenant)
    }

    private func send(
        _ method: HTTPMethod, _ path: String, body: String?, as tenant: StandInTenant?
    ) async throws -> Answer {
        var headers = HTTPHeaders()
        headers.add("Authorization", "Bearer \((tenant ?? peers.tenant).key.text)")
        if body != nil { headers.add("Content-Type", "application/json") }
        let response = try await http.send(
            ClientRequest(
                method: method, url: service.url + "/v1/portal" + path, headers: headers,
                body: body.map { Array($0.utf8) }, deadline: .seconds(30)),
            describedBy: Self.description)
        return Answer(status: response.status, body: try JSONCoding.parse(response.body))
    }
}

/// The click that a redirect carries.
func clickID(in headers: HTTPHeaders) -> String? {
    let query = headers["Location"]?.split(separator: "?").dropFirst().first
    let pairs = query?.split { $0 == "&" || $0 == "#" } ?? []
    return pairs.first { $0.hasPrefix("gv_click=") }.map { String($0.dropFirst(9)) }
}
