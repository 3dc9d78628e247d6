import Contracts
import Foundation
import HTTPKit
import Kernel
import PostgresKit
import ServiceKit
import Synchronization
import TestKit
import Testing

@Suite(.timeLimit(.minutes(3))) struct RunningServiceTests {
    private final class Flag: Sendable {
        private let value = Mutex(false)
        var isSet: Bool { value.withLock { $0 } }
        func set() { value.withLock { $0 = true } }
    }

    private func start(
        databaseURL: String, redisURL: String? = nil, onEnd: @escaping @Sendable () -> Void = {},
        onSlow: @escaping @Sendable () -> Void = {}
    ) async throws -> RunningService<SampleService> {
        let common = CommonConfiguration(
            service: .notification, databaseURL: databaseURL, redisURL: redisURL)
        var configuration = SampleService.Configuration(greeting: "hi")
        configuration.onEnd = onEnd
        configuration.onSlow = onSlow
        return try await RunningService<SampleService>.start(
            configuration: configuration, common: common,
            world: World())
    }

    private func get(_ url: String) async throws -> ClientResponse {
        let client = HTTPClient(HTTPClientConfiguration(), world: World())
        let response: ClientResponse
        do {
            response = try await client.send(ClientRequest(url: url, deadline: .seconds(20)))
        } catch {
            await client.shutdown()
            throw error
        }
        await client.shutdown()
        return response
    }

    private func text(_ response: ClientResponse) -> String {
        String(decoding: response.body, as: UTF8.self)
    }

    @Test func `a service migrates, answers, tells its health and ends cleanly`() async throws {
        let redis = try await TestRedis.make()
        try await TestPostgres.shared().withDatabase { database in
            let ended = Flag()
            let running = try await start(
                databaseURL: database.url, redisURL: redis.url, onEnd: { ended.set() })
            #expect(text(try await get(running.url + "/greeting")) == "hi")
            #expect(try await get(running.url + "/healthz").status == 200)
            #expect(try await get(running.url + "/v1/portal/greeting").status == 401)
            try await eventually("it is ready") {
                try await get(running.url + "/readyz").status == 200
            }
            let report = try JSONCoding.parse(try await get(running.url + "/readyz").body)
            #expect(report.at("checks.database.status")?.string == "ready")
            #expect(report.at("checks.sample.status")?.string == "ready")
            // There is no event-service here, so nothing is known of revoked keys.
            #expect(report.at("checks.keys.status")?.string == "degraded")
            let metrics = text(try await get(running.url + "/metrics"))
            #expect(metrics.contains("grapevine_process_resident_memory_bytes"))
            #expect(metrics.contains("# TYPE grapevine_"))
            await running.stop()
            #expect(ended.isSet)
            await #expect(throws: HTTPClientError.self) { try await get(running.url + "/healthz") }
        }
    }

    @Test func `a second start on the same database finds nothing to migrate`() async throws {
        try await TestPostgres.shared().withDatabase { database in
            for _ in 0..<2 {
                let running = try await start(databaseURL: database.url)
                #expect(try await get(running.url + "/healthz").status == 200)
                await running.stop()
            }
        }
    }

    @Test func `what runs is finished before the end`() async throws {
        try await TestPostgres.shared().withDatabase { database in
            let began = Flag()
            let running = try await start(databaseURL: database.url, onSlow: { began.set() })
            let url = running.url
            let slow = Task { try await get(url + "/slow") }
            try await eventually("the slow request is being answered") { began.isSet }
            await running.stop()
            #expect(text(try await slow.value) == "done")
        }
    }

    @Test func `with the database away calls get 503 and the service is not ready, then recovers`()
        async throws
    {
        try await withPrivateServer(.postgres) { server in
            let running = try await start(databaseURL: server.url)
            try await server.stop(.immediate)
            try await eventually("the service is not ready") {
                try await get(running.url + "/readyz").status == 503
            }
            let away = try await get(running.url + "/greeting")
            #expect(away.status == 503 && away.retryAfter != nil)
            #expect(away.headers["Content-Type"] == "application/problem+json")
            #expect(try await get(running.url + "/healthz").status == 200)
            try await server.start()
            try await eventually("the service works again", within: .seconds(30)) {
                try await get(running.url + "/greeting").status == 200
            }
            try await eventually("the service is ready again") {
                try await get(running.url + "/readyz").status == 200
            }
            await running.stop()
        }
    }

    @Test func `with Redis away the service stays ready, degraded`() async throws {
        try await TestPostgres.shared().withDatabase { database in
            let running = try await start(
                databaseURL: database.url, redisURL: "redis://127.0.0.1:1")
            let response = try await get(running.url + "/readyz")
            #expect(response.status == 200)
            let report = try JSONCoding.parse(response.body)
            #expect(report["status"]?.string == "degraded")
            #expect(report.at("checks.redis.status")?.string == "degraded")
            await running.stop()
        }
    }

    @Test func `a wrong database URL fails at once`() async {
        await #expect(throws: PostgresError.self) {
            try await start(databaseURL: "postgresql://[")
        }
    }
}
