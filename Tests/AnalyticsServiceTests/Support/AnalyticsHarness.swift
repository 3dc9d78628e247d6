import ClickHouseKit
import Contracts
import FoundationEssentials
import HTTPKit
import Kernel
import PostgresKit
import SecurityKit
import ServiceKit
import TestKit
import Testing

@testable import AnalyticsService

/// Databases and a log of its own for analytics-service, which a test starts in this process or as
/// a process that can be killed.
struct AnalyticsHarness: Sendable {
    private static let description = OpenAPIDocument(AnalyticsService.openAPI)

    let log: StandInLog
    let logURL: String
    let http: HTTPClient
    let database: TestDatabase
    let postgres: PostgresClient
    let clickHouse: TestClickHouse

    var archive: ClickHouseClient { clickHouse.client() }

    /// - Parameter clickHouse: a database of the shared server when nil.
    static func run(
        clickHouse: TestClickHouse? = nil, _ body: (AnalyticsHarness) async throws -> Void
    ) async throws {
        let log = StandInLog()
        let (server, port) = try log.serve()
        let archive: TestClickHouse
        if let clickHouse { archive = clickHouse } else { archive = try await .make() }
        try await TestPostgres.shared().withDatabase { database in
            let harness = AnalyticsHarness(
                log: log, logURL: "http://127.0.0.1:\(port)",
                http: HTTPClient(HTTPClientConfiguration(), world: World()), database: database,
                postgres: database.client(), clickHouse: archive)
            let result: Result<Void, any Error>
            do { result = .success(try await body(harness)) } catch { result = .failure(error) }
            await harness.http.shutdown()
            await harness.postgres.shutdown()
            await server.drain(within: .seconds(1))
            await archive.drop()
            try result.get()
        }
    }

    // MARK: - The service

    /// The service in this process while `body` runs.
    func withService(
        probeInterval: String = "3600s",
        _ body: (RunningService<AnalyticsService>) async throws -> Void
    ) async throws {
        let common = CommonConfiguration(
            service: .analytics, databaseURL: database.url,
            peers: [.client: logURL, .event: logURL])
        var environment = EnvironmentReader([
            "GRAPEVINE_ANALYTICS_CLICKHOUSE_URL": clickHouse.url,
            "GRAPEVINE_ANALYTICS_LINGER": "20ms", "GRAPEVINE_ANALYTICS_BATCH": "700",
            "GRAPEVINE_ANALYTICS_PROBE_INTERVAL": probeInterval,
        ])
        let configuration = AnalyticsConfiguration(&environment)
        let service = try await RunningService.start(
            AnalyticsService.self, configuration: configuration, common: common, world: World())
        do {
            try await eventually("the service is ready") {
                try await http.send(ClientRequest(url: service.url + "/readyz")).status == 200
            }
            try await body(service)
        } catch {
            await service.stop()
            throw error
        }
        await service.stop()
    }

    /// The service as a process; `crashAt` names a crash point.
    func process(crashAt: String? = nil) throws -> ManagedProcess {
        var environment = [
            "GRAPEVINE_LISTEN": "127.0.0.1:\(FreePort.find())",
            "GRAPEVINE_DATABASE_URL": database.url,
            "GRAPEVINE_CLIENT_URL": logURL, "GRAPEVINE_EVENT_URL": logURL,
            "GRAPEVINE_SERVICE_KEY": Base64URL.encode(SecureRandom.bytes(32)),
            "GRAPEVINE_SERVICE_KEYS": "{}",
            "GRAPEVINE_ANALYTICS_CLICKHOUSE_URL": clickHouse.url,
            "GRAPEVINE_ANALYTICS_LINGER": "20ms",
        ]
        if let crashAt { environment["GRAPEVINE_CRASH_AT"] = crashAt }
        return try ManagedProcess(
            try Repository.executable("analytics-service"), environment: environment)
    }

    /// Waits until the cursor of every shard stands at its head.
    func settle(within limit: Duration = .seconds(60)) async throws {
        let heads = log.heads
        try await eventually("everything is in ClickHouse", within: limit) {
            for (shard, head) in heads.enumerated() {
                let row = try await postgres.queryOne(
                    """
                    select position from messaging_cursor
                    where subscriber = 'analytics' and shard = \(Int32(shard))
                    """)
                guard try (row?.get("position") ?? 0) >= head else { return false }
            }
            return true
        }
    }

    // MARK: - Numbers

    /// One number of an answer of ClickHouse.
    func number(_ sql: ClickHouseSQL) async throws -> Int {
        let row = try #require(try await archive.query(sql).first)
        return try row.get("n")
    }

    /// The hours of clients that events are of.
    func hours() async throws -> Set<ClientHour> {
        let rows = try await archive.query(
            """
            SELECT DISTINCT client_id, toUInt32(toStartOfHour(occurred_at, 'UTC')) AS hour
            FROM events
            """)
        var hours: Set<ClientHour> = []
        for row in rows {
            let second: Int = try row.get("hour")
            hours.insert(
                ClientHour(
                    clientID: try row.get("client_id"),
                    hour: Timestamp(microseconds: Int64(second) * 1_000_000)))
        }
        return hours
    }

    struct Answer: Sendable {
        let status: Int
        let headers: HTTPHeaders
        let body: JSONValue
    }

    func get(
        _ path: String, _ service: RunningService<AnalyticsService>,
        as tenant: StandInLog.Tenant? = nil
    ) async throws -> Answer {
        var headers = HTTPHeaders()
        headers.add("Authorization", "Bearer \((tenant ?? log.tenant).key.text)")
        let response = try await http.send(
            ClientRequest(
                url: service.url + "/v1/portal" + path, headers: headers, deadline: .seconds(30),
                retry: .never), describedBy: Self.description)
        return Answer(
            status: response.status, headers: response.headers,
            body: try JSONCoding.parse(response.body))
    }

    // MARK: - Events

    /// Clients' events of all kinds, in both shards, some from another month.
    func appendEvents(_ count: Int, at time: Timestamp = SystemClock().now()) {
        for number in 0..<count {
            let tenant = number % 3 == 0 ? log.other : log.tenant
            let past = number % 10 == 0 ? Duration.seconds(40 * 86_400) : .zero
            log.append(
                number % 2 == 0 ? "page_viewed" : "purchase_completed", of: tenant,
                participant: LogParticipant(
                    participantID: .derived(client: tenant.clientID, externalID: "u\(number % 7)"),
                    externalID: "u\(number % 7)"),
                at: time - past, trust: .server, subject: "order-\(number)",
                properties: [
                    "text": "it's \\ a 'test'\n\0", "number": .number(JSONNumber(text: "1e400")),
                ])
        }
    }
}
