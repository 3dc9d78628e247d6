import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import MessagingKit
import PostgresKit
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import ClientService

/// Client-service in this process; the log stands in over real HTTP.
struct ClientHarness {
    private static let description = OpenAPIDocument(ClientService.openAPI)

    static let staffSecret = Array("a staff secret of at least 32 bytes".utf8)
    static let previousSecret = Array("the staff secret that was used before it".utf8)

    typealias Answer = (status: Int, body: JSONValue, headers: HTTPHeaders)

    let service: RunningService<ClientService>
    let http: HTTPClient
    let log: StandInLog
    let faults: RecordingFaults
    let recorded: RecordedLog
    let postgres: PostgresClient
    /// Where the log answers.
    let logURL: String
    let callerKey: Ed25519PrivateKey
    /// Signs member tokens.
    let memberKey: Ed25519PrivateKey
    let clock: any TimeSource

    static func run(
        configuration: ClientConfiguration = ClientConfiguration(memberKey: .generate()),
        clock: any TimeSource = SystemClock(), redisURL: String? = nil,
        _ body: (ClientHarness) async throws -> Void
    ) async throws {
        let log = StandInLog()
        let (server, port) = try log.serve()
        let caller = Ed25519PrivateKey.generate()
        let (faults, recorded) = (RecordingFaults(), RecordedLog())
        try await TestPostgres.shared().withDatabase { database in
            let url = "http://127.0.0.1:\(port)"
            var common = CommonConfiguration(
                service: .client, databaseURL: database.url, redisURL: redisURL,
                peers: [.event: url],
                serviceKeys: [.event: caller.publicKey], staffSecret: staffSecret)
            common.staffSecretPrevious = previousSecret
            let telemetry = Telemetry(logger: recorded.logger(), metrics: Metrics())
            let service = try await RunningService.start(
                ClientService.self, configuration: configuration, common: common,
                world: World(clock: clock, faults: faults, telemetry: telemetry))
            let http = HTTPClient(HTTPClientConfiguration(), world: World())
            let postgres = database.client()
            let harness = ClientHarness(
                service: service, http: http, log: log, faults: faults, recorded: recorded,
                postgres: postgres, logURL: url, callerKey: caller,
                memberKey: configuration.memberKey ?? .generate(), clock: clock)
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(harness))
            } catch {
                result = .failure(error)
            }
            await service.stop()
            await http.shutdown()
            await postgres.shutdown()
            await server.drain(within: .seconds(1))
            try result.get()
        }
    }

    // MARK: - Callers

    /// Calls as staff.
    func staff(
        _ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil, key: String? = nil
    ) async throws -> Answer {
        let token = try StaffTokenCommand.token(
            ["--subject", "tests"], secret: Self.staffSecret, clock: clock)
        return try await call(method, "/v1/admin" + path, body, credential: token, key: key)
    }

    /// Calls with an API key.
    func portal(
        _ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil, as secret: String,
        key: String? = nil
    ) async throws -> Answer {
        try await call(method, "/v1/portal" + path, body, credential: secret, key: key)
    }

    func call(
        _ method: HTTPMethod, _ path: String, _ body: JSONValue? = nil, credential: String?,
        key: String? = nil
    ) async throws -> Answer {
        try await send(
            method, path, body: try body.map { try JSONCoding.encode($0) }, credential: credential,
            key: key)
    }

    func send(
        _ method: HTTPMethod, _ path: String, body: [UInt8]?, credential: String?,
        key: String? = nil
    ) async throws -> Answer {
        var fields = HTTPHeaders()
        if let credential { fields.add("Authorization", "Bearer \(credential)") }
        if body != nil { fields.add("Content-Type", "application/json") }
        if let key { fields.add("Idempotency-Key", key) }
        let response = try await http.send(
            ClientRequest(
                method: method, url: service.url + path, headers: fields,
                body: body ?? (method == .get ? nil : []), deadline: .seconds(30)),
            describedBy: Self.description)
        return (response.status, try JSONCoding.parse(response.body), response.headers)
    }

    /// The service as another service sees it.
    var peer: PeerClient {
        let issuer = ServiceTokenIssuer(caller: .event, key: callerKey, clock: clock)
        return PeerClient(
            name: "client-service", baseURL: service.url, client: http,
            authorization: { "Bearer \(issuer.token(for: .client))" })
    }

    // MARK: - Nouns

    /// A new client with a secret key.
    func makeClient(mode: String = "live") async throws -> (id: ClientID, secret: String) {
        let client = try await staff(.post, "/clients", ["name": "Shop", "mode": .string(mode)])
        #expect(client.status == 201)
        let id = try #require(client.body["client_id"]?.string.flatMap { ClientID($0) })
        return (id, try await makeKey(of: id).secret)
    }

    func makeKey(
        of client: ClientID, kind: String = "secret", scopes: JSONValue = [],
        origins: JSONValue = []
    ) async throws -> (id: String, secret: String) {
        let key = try await staff(
            .post, "/clients/\(client)/keys",
            ["kind": .string(kind), "name": "k", "scopes": scopes, "origins": origins])
        #expect(key.status == 201)
        return (
            try #require(key.body["key_id"]?.string), try #require(key.body["secret"]?.string)
        )
    }

    /// A document without what differs between two requests.
    static func comparable(_ problem: JSONValue) -> [String: JSONValue]? {
        problem.object?.filter { $0.key != "request_id" }
    }
}

extension ClientHarness {
    /// Waits until the subscriber has passed a position.
    func passed(_ position: LogPosition) async throws {
        try await eventually("the subscriber passes \(position)") {
            (service.service.subscriber.progress.position(shard: 0) ?? 0) >= position.position
        }
    }
}
