import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import RewardService

/// Reward-service in this process, its peers beside it, a database of its own.
struct RewardHarness: Sendable {
    private static let description = OpenAPIDocument(RewardService.openAPI)

    let service: RunningService<RewardService>
    let http: HTTPClient
    let peers: StandInPeers
    let postgres: PostgresClient
    let faults: RecordingFaults
    let asset: Asset
    private let callerKey: Ed25519PrivateKey

    var client: ClientID { peers.tenant.clientID }
    var audit: LedgerAudit { LedgerAudit(postgres: postgres) }

    static func run(_ body: (RewardHarness) async throws -> Void) async throws {
        let peers = StandInPeers()
        let (server, port) = try peers.serve()
        let caller = Ed25519PrivateKey.generate()
        let asset = try #require(Asset("USD"))
        let faults = RecordingFaults()
        try await TestPostgres.shared().withDatabase { database in
            let url = "http://127.0.0.1:\(port)"
            let common = CommonConfiguration(
                service: .reward, databaseURL: database.url, peers: [.client: url, .event: url],
                serviceKeys: [.workflow: caller.publicKey])
            var environment = EnvironmentReader([:])
            let service = try await RunningService.start(
                RewardService.self, configuration: RewardConfiguration(&environment),
                common: common, world: World(faults: faults))
            let harness = RewardHarness(
                service: service, http: HTTPClient(HTTPClientConfiguration(), world: World()),
                peers: peers, postgres: database.client(), faults: faults, asset: asset,
                callerKey: caller)
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

    /// The service as workflow-service calls it.
    var workflow: PeerClient {
        let issuer = ServiceTokenIssuer(caller: .workflow, key: callerKey, clock: SystemClock())
        return PeerClient(
            name: "reward-service", baseURL: service.url, client: http,
            authorization: { "Bearer \(issuer.token(for: .reward))" })
    }

    // MARK: - The portal

    struct Answer: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let body: JSONValue
        let bytes: [UInt8]
    }

    func get(_ path: String, as tenant: StandInTenant? = nil) async throws -> Answer {
        try await send(.get, path, body: nil, key: nil, as: tenant)
    }

    func post(
        _ path: String, _ body: String, key: String? = nil, as tenant: StandInTenant? = nil
    ) async throws -> Answer {
        try await send(.post, path, body: body, key: key, as: tenant)
    }

    private func send(
        _ method: HTTPMethod, _ path: String, body: String?, key: String?,
        as tenant: StandInTenant?
    ) async throws -> Answer {
        var headers = HTTPHeaders()
        headers.add("Authorization", "Bearer \((tenant ?? peers.tenant).key.text)")
        if body != nil { headers.add("Content-Type", "application/json") }
        if let key { headers.add("Idempotency-Key", key) }
        let response = try await http.send(
            ClientRequest(
                method: method, url: service.url + "/v1/portal" + path, headers: headers,
                body: body.map { Array($0.utf8) }, deadline: .seconds(30)),
            describedBy: Self.description)
        return Answer(
            status: response.status, headers: response.headers,
            body: try JSONCoding.parse(response.body), bytes: response.body)
    }

    // MARK: - Campaigns

    func campaign(
        id: CampaignID = CampaignID(UUID()), revision: Int = 1, status: CampaignStatus = .active,
        budget: Int128 = 100_000, amount: Int128 = 1000, approval: ApprovalPolicy = .automatic,
        limits: CampaignLimits = CampaignLimits(), endsAt: Timestamp? = nil,
        eligibility: Rule? = nil, rules: [RewardRule]? = nil
    ) throws -> CampaignDefinition {
        CampaignDefinition(
            campaignID: id, clientID: client, revision: revision, name: "Welcome",
            pulse: .signup, status: status,
            triggers: [
                CampaignTrigger(event: "user_signed_up", condition: nil, minimumTrust: .server)
            ],
            startsAt: nil, endsAt: endsAt, eligibility: eligibility,
            rewardRules: try rules ?? [rule("welcome", amount: amount, approval: approval)],
            limits: limits, budget: try Amount(units: budget, asset: asset))
    }

    func rule(
        _ id: String, _ recipient: RewardRecipient = .participant, amount: Int128,
        approval: ApprovalPolicy = .automatic, fulfilment: FulfilmentPolicy = .automatic
    ) throws -> RewardRule {
        RewardRule(
            ruleID: id, recipient: recipient, kind: .credit,
            amount: try Amount(units: amount, asset: asset), approval: approval,
            fulfilment: fulfilment)
    }

    /// Tells of a campaign; the position to carry in calls about it.
    func publish(
        _ campaign: CampaignDefinition, _ type: String = CampaignMessage.activated,
        at time: Timestamp = SystemClock().now(), trust: Trust = .internal
    ) throws -> LogPosition {
        peers.log.publish(
            type, try JSONCoding.parse(JSONCoding.encode(campaign)), client: campaign.clientID,
            at: time, trust: trust)
    }

    /// Waits until the service has passed everything that was published.
    func settle() async throws {
        let head = peers.log.head
        try await eventually("everything published was taken") {
            let row = try await postgres.queryOne(
                "select position from messaging_cursor where subscriber = 'reward'")
            return try (row?.get("position") ?? 0) >= head
        }
    }

    // MARK: - The workflow's calls

    func check(
        _ campaign: CampaignDefinition, _ participant: ParticipantID, subject: String? = nil,
        key: String = UUID().uuidString, position: LogPosition? = nil, dryRun: Bool = false
    ) async throws -> EligibilityDecision {
        try await workflow.call(
            RewardContracts.checkEligibility,
            CheckEligibilityRequest(
                clientID: campaign.clientID, campaignID: campaign.campaignID,
                revision: campaign.revision, participantID: participant,
                subject: subject ?? participant.description,
                event: [
                    "type": "user_signed_up",
                    "properties": [
                        "text": "a\0b", "number": .number(JSONNumber(text: "1e999999")),
                    ],
                ],
                dryRun: dryRun),
            CallOptions(
                idempotencyKey: key, position: position?.description, deadline: .seconds(30)))
    }

    func allocate(
        _ campaign: CampaignDefinition, _ participant: ParticipantID, decision: String?,
        subject: String? = nil, rule: String = "welcome", role: RewardRecipient = .participant,
        run: RunID = RunID(UUID())
    ) async throws -> AllocateRewardResponse {
        try await workflow.call(
            RewardContracts.allocate,
            AllocateRewardRequest(
                clientID: campaign.clientID, campaignID: campaign.campaignID,
                revision: campaign.revision, ruleID: rule, participantID: participant,
                role: role, subject: subject ?? participant.description,
                decisionID: decision ?? "", runID: run),
            CallOptions(idempotencyKey: UUID().uuidString, deadline: .seconds(60)))
    }

    /// Asks for rewards of one run, all for one subject.
    func grant(
        _ campaign: CampaignDefinition, _ grants: [GrantedRule], subject: String,
        run: RunID = RunID(UUID()), key: String = UUID().uuidString
    ) async throws -> [AllocateRewardResponse] {
        try await workflow.call(
            RewardContracts.grant,
            GrantRewardsRequest(
                clientID: campaign.clientID, campaignID: campaign.campaignID,
                revision: campaign.revision, subject: subject, runID: run, grants: grants),
            CallOptions(idempotencyKey: key, deadline: .seconds(60))
        ).results
    }

    func fulfil(_ reward: RewardID) async throws -> RewardSummary {
        try await workflow.call(
            RewardContracts.fulfil, FulfilRewardRequest(clientID: client, rewardID: reward),
            CallOptions(idempotencyKey: UUID().uuidString, deadline: .seconds(30)))
    }

    /// A participant with a decision that says yes, and a reward for them.
    func reward(
        _ campaign: CampaignDefinition, _ participant: ParticipantID = ParticipantID(UUID())
    ) async throws -> RewardSummary {
        let decision = try await check(campaign, participant)
        let response = try await allocate(campaign, participant, decision: decision.decisionID)
        #expect(response.outcome == .allocated)
        return try #require(response.reward)
    }
}
