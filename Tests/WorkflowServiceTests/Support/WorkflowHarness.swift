import Contracts
import DurableKit
import FoundationEssentials
import HTTPKit
import Kernel
import MessagingKit
import SecurityKit
import ServiceKit
import Synchronization
import TestKit
import Testing

@testable import WorkflowService

/// Workflow-service in this process on a database of its own, with a stand-in for all others.
final class WorkflowHarness: Sendable {
    private static let description = OpenAPIDocument(WorkflowService.openAPI)

    let platform: Platform
    let shop: Shop
    let faults: RecordingFaults
    private let common: CommonConfiguration
    private let http = HTTPClient(HTTPClientConfiguration(), world: World())
    private let replicas = Mutex<[RunningService<WorkflowService>]>([])

    private init(_ platform: Platform, port: UInt16, databaseURL: String, faults: RecordingFaults) {
        self.platform = platform
        self.faults = faults
        let shop = Shop()
        self.shop = shop
        let url = "http://127.0.0.1:\(port)"
        common = CommonConfiguration(
            service: .workflow, databaseURL: databaseURL,
            peers: [
                .client: url, .campaign: url, .event: url, .reward: url, .referral: url,
                .notification: url,
            ])
        platform.change { $0.shops = [shop] }
    }

    /// Lends a service whose shop has an active campaign.
    static func run(
        campaign: ((Shop) -> CampaignDefinition)? = nil,
        _ body: (WorkflowHarness) async throws -> Void
    ) async throws {
        let platform = Platform()
        let (server, port) = try platform.serve()
        try await TestPostgres.shared().withDatabase { database in
            let harness = WorkflowHarness(
                platform, port: port, databaseURL: database.url, faults: RecordingFaults())
            do {
                try await harness.start()
                let definition = campaign?(harness.shop) ?? harness.shop.campaign()
                try platform.tell(CampaignMessage.activated, definition)
                try await body(harness)
            } catch {
                await harness.end(server)
                throw error
            }
            await harness.end(server)
        }
    }

    /// Starts one more replica.
    func start() async throws {
        var environment = EnvironmentReader([:])
        let service = try await RunningService.start(
            WorkflowService.self, configuration: WorkflowConfiguration(&environment),
            common: common, world: World(faults: faults))
        replicas.withLock { $0.append(service) }
        try await eventually("the service is ready") {
            try await self.http.send(
                ClientRequest(method: .get, url: service.url + "/readyz")
            ).status == 200
        }
    }

    /// Stops all replicas; `abruptly` as a killed process does, without handing its runs back.
    func stop(abruptly: Bool = false) async {
        let running = replicas.withLock { replicas in
            defer { replicas = [] }
            return replicas
        }
        for service in running {
            if abruptly { service.service.engine.halt() }
            await service.stop()
        }
    }

    /// The service's own parts, to look at.
    var firstReplica: WorkflowService? { replicas.withLock { $0.first?.service } }

    private func end(_ server: HTTPServer) async {
        await stop()
        await http.shutdown()
        await server.drain(within: .seconds(1))
    }

    // MARK: - The portal

    func call(
        _ method: HTTPMethod, _ path: String, as shop: Shop? = nil, idempotencyKey: String? = nil
    ) async throws -> (status: Int, body: JSONValue, headers: HTTPHeaders) {
        let service = try #require(replicas.withLock { $0.first })
        var headers: HTTPHeaders = ["Authorization": "Bearer \((shop ?? self.shop).key.text)"]
        if let idempotencyKey { headers.add("Idempotency-Key", idempotencyKey) }
        let response = try await http.send(
            ClientRequest(method: method, url: service.url + path, headers: headers),
            describedBy: Self.description)
        return (response.status, try JSONCoding.parse(response.body), response.headers)
    }

    /// The runs that the shop sees.
    func runs(_ query: String = "") async throws -> [JSONValue] {
        let answer = try await call(.get, "/v1/portal/runs\(query)")
        try #require(answer.status == 200)
        return try #require(answer.body["data"]?.array)
    }

    /// Waits until the shop has so many runs that ended, and gives them.
    func ended(_ count: Int = 1, within limit: Duration = .seconds(20)) async throws -> [JSONValue]
    {
        try await eventually("\(count) runs have ended", within: limit) {
            let ended = try await self.runs("?limit=200").filter { $0["status"] != "running" }
            return ended.count == count ? ended : nil
        }
    }

    /// How the only run ended.
    func outcome(within limit: Duration = .seconds(20)) async throws -> JSONValue? {
        try await ended(within: limit)[0]["outcome"]
    }

    /// How many events took effect in all replicas.
    func eventsTaken() async throws -> Int {
        let name = #"grapevine_subscriber_events_total{subscriber="workflow"} "#
        var count = 0
        for service in replicas.withLock({ $0 }) {
            let response = try await http.send(ClientRequest(url: service.url + "/metrics"))
            let lines = String(decoding: response.body, as: UTF8.self).split(separator: "\n")
            let line = lines.first { $0.hasPrefix(name) }
            count += line.flatMap { Int($0.dropFirst(name.count)) } ?? 0
        }
        return count
    }

    /// Waits until everything in the log so far has been looked at.
    func caughtUp() async throws {
        let heads = platform.state.withLock { $0.shards.map(\.count) }
        for service in replicas.withLock({ $0 }) {
            for (shard, head) in heads.enumerated() where head > 0 {
                try await service.service.subscriber.barrier.wait(
                    for: LogPosition(shard: shard, position: head), within: .seconds(10))
            }
        }
    }
}
