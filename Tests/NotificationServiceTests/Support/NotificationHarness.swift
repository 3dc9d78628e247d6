import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import NotificationService

/// Notification-service in this process, its peers beside it, a mail server and a database of its
/// own.
struct NotificationHarness: Sendable {
    private static let description = OpenAPIDocument(NotificationService.openAPI)

    let service: RunningService<NotificationService>
    let http: HTTPClient
    let peers: StandInPeers
    let postgres: PostgresClient
    let faults: RecordingFaults
    let metrics: Metrics
    let sink: TestMailSink
    let configuration: NotificationConfiguration
    private let callerKey: Ed25519PrivateKey

    var client: ClientID { peers.tenant.clientID }

    /// `sink` are arguments of the mail sink.
    static func run(
        sink arguments: [String] = [],
        configure: (inout NotificationConfiguration) -> Void = { _ in },
        _ body: (NotificationHarness) async throws -> Void
    ) async throws {
        let sink = try await TestMailSink.start(arguments)
        let peers = StandInPeers()
        let (server, port) = try peers.serve()
        var configuration = try Self.configuration(sink)
        configure(&configuration)
        let caller = Ed25519PrivateKey.generate()
        let faults = RecordingFaults()
        let metrics = Metrics()
        try await TestPostgres.shared().withDatabase { database in
            let url = "http://127.0.0.1:\(port)"
            let common = CommonConfiguration(
                service: .notification, databaseURL: database.url,
                peers: [.client: url, .event: url], serviceKeys: [.workflow: caller.publicKey])
            let service = try await RunningService.start(
                NotificationService.self, configuration: configuration, common: common,
                world: World(faults: faults, telemetry: Telemetry(metrics: metrics)))
            let harness = NotificationHarness(
                service: service, http: HTTPClient(HTTPClientConfiguration(), world: World()),
                peers: peers, postgres: database.client(), faults: faults, metrics: metrics,
                sink: sink, configuration: configuration, callerKey: caller)
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

    private static func configuration(_ sink: TestMailSink) throws -> NotificationConfiguration {
        var environment = EnvironmentReader([
            "GRAPEVINE_NOTIFICATION_KEY": Base64URL.encode(SecureRandom.bytes(32)),
            "GRAPEVINE_NOTIFICATION_SMTP_URL": "smtp://127.0.0.1:\(sink.port)",
            "GRAPEVINE_NOTIFICATION_FROM": "Käse & Brot <hello@shop.example>",
            "GRAPEVINE_NOTIFICATION_PUBLIC_URL": "https://mail.shop.example",
            "GRAPEVINE_NOTIFICATION_ALLOW_PRIVATE_TARGETS": "true",
        ])
        var configuration = NotificationConfiguration(&environment)
        try environment.finish()
        configuration.mailSchedule = RetrySchedule(
            pauses: Array(repeating: .milliseconds(20), count: 10))
        configuration.webhookSchedule = RetrySchedule(
            pauses: Array(repeating: .milliseconds(20), count: 5))
        return configuration
    }

    private func stop(_ peers: HTTPServer) async {
        await service.stop()
        await http.shutdown()
        await postgres.shutdown()
        await peers.drain(within: .seconds(1))
        await sink.stop()
    }

    private func isReady() async throws -> Bool {
        try await http.send(ClientRequest(method: .get, url: service.url + "/readyz")).status == 200
    }

    /// What a counter of attempts stands at.
    func attempts(_ queue: String, _ result: String) -> Int {
        metrics.counter(
            "grapevine_notification_attempts_total", help: "",
            [("queue", queue), ("result", result)]
        ).value
    }

    /// How many calls to PostgreSQL have succeeded.
    var databaseCalls: Int {
        metrics.counter(
            "grapevine_postgres_queries_total", help: "", [("result", "ok")]
        ).value
    }

    // MARK: - The workflow's calls

    var workflow: PeerClient {
        let issuer = ServiceTokenIssuer(caller: .workflow, key: callerKey, clock: SystemClock())
        return PeerClient(
            name: "notification-service", baseURL: service.url, client: http,
            authorization: { "Bearer \(issuer.token(for: .notification))" })
    }

    func send(
        _ template: String = "welcome", to participant: ParticipantID,
        _ variables: JSONValue = ["referral": ["url": "https://shop.example/r/AB12"]],
        key: String = UUID().uuidString, position: LogPosition? = nil
    ) async throws -> SendNotificationResponse {
        try await workflow.call(
            NotificationContracts.send,
            SendNotificationRequest(
                clientID: client, campaignID: CampaignID(Self.campaign), runID: nil,
                participantID: participant, channel: .email, template: template,
                variables: variables),
            CallOptions(
                idempotencyKey: key, position: position?.description, deadline: .seconds(30)))
    }

    static let campaign = UUID()

    // MARK: - The portal

    struct Answer: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let body: JSONValue
    }

    func call(
        _ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil, key: String? = nil,
        as tenant: StandInTenant? = nil
    ) async throws -> Answer {
        var headers = HTTPHeaders()
        headers.add("Authorization", "Bearer \((tenant ?? peers.tenant).key.text)")
        if body != nil { headers.add("Content-Type", "application/json") }
        if let key { headers.add("Idempotency-Key", key) }
        let hasBody = method == .post || method == .put
        let response = try await http.send(
            ClientRequest(
                method: method, url: service.url + "/v1/portal" + path, headers: headers,
                body: try body.map { try JSONCoding.encode($0) } ?? (hasBody ? [] : nil),
                deadline: .seconds(30)), describedBy: Self.description)
        return Answer(
            status: response.status, headers: response.headers,
            body: response.body.isEmpty ? .null : try JSONCoding.parse(response.body))
    }

    /// A message as the portal shows it.
    func notification(_ id: NotificationID) async throws -> JSONValue {
        try await call(.get, "/notifications/\(id)").body
    }

    /// Waits until a message has a status, and shows it.
    func notification(_ id: NotificationID, is status: String) async throws -> JSONValue {
        try await eventually("the message is \(status)", within: .seconds(20)) {
            let shown = try await notification(id)
            // Not a bare nil, which would be a JSON null.
            return shown["status"]?.string == status ? shown : JSONValue?.none
        }
    }
}
