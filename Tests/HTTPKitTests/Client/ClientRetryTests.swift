import HTTPKit
import Kernel
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ClientRetryTests {
    private let client = HTTPClient(HTTPClientConfiguration(), world: World())

    /// Answers each request with the next of `statuses`, the last for ever.
    private func server(_ statuses: [Int], headers: [String] = []) throws -> ScriptedServer {
        let left = Mutex(statuses)
        return try ScriptedServer { connection in
            while connection.read() != nil {
                let status = left.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
                if status == 0 { return }
                connection.answer(status, status >= 400 ? headers : [])
            }
        }
    }

    @Test func `a GET survives failures that pass`() async throws {
        let server = try server([503, 0, 502, 200])
        defer { server.stop() }
        let request = ClientRequest(url: server.url, retry: .safeMethods(attempts: 4))
        #expect(try await client.send(request).status == 200)
        #expect(server.requests.count == 4)
    }

    @Test func `the last answer is returned when the attempts are used up`() async throws {
        let server = try server([503])
        defer { server.stop() }
        #expect(try await client.send(ClientRequest(url: server.url)).status == 503)
        #expect(server.requests.count == 3)
    }

    @Test func `a POST is repeated only when it is keyed`() async throws {
        for (retry, count) in [(RetryPolicy.safeMethods(), 1), (.never, 1), (.keyed(), 2)] {
            let server = try server([503, 200])
            defer { server.stop() }
            let request = ClientRequest(method: .post, url: server.url, body: [1], retry: retry)
            #expect(try await client.send(request).status == (count == 2 ? 200 : 503))
            #expect(server.requests.count == count)
        }
    }

    @Test(arguments: [400, 401, 404, 409, 422, 500])
    func `an answer that will not change is not asked for again`(status: Int) async throws {
        let server = try server([status])
        defer { server.stop() }
        let request = ClientRequest(method: .post, url: server.url, body: [1], retry: .keyed())
        #expect(try await client.send(request).status == status)
        #expect(server.requests.count == 1)
    }

    @Test func `Retry-After is waited for`() async throws {
        let times = Mutex<[ContinuousClock.Instant]>([])
        let server = try ScriptedServer { connection in
            while connection.read() != nil {
                let count = times.withLock { times in
                    times.append(.now)
                    return times.count
                }
                connection.answer(count == 1 ? 429 : 200, count == 1 ? ["Retry-After: 1"] : [])
            }
        }
        defer { server.stop() }
        #expect(try await client.send(ClientRequest(url: server.url)).status == 200)
        let seen = times.withLock { $0 }
        #expect(seen.count == 2)
        #expect(seen[1] - seen[0] >= .seconds(1))
    }

    @Test func `a Retry-After beyond the deadline is not waited for`() async throws {
        let server = try server([503], headers: ["Retry-After: 3600"])
        defer { server.stop() }
        let response = try await client.send(ClientRequest(url: server.url))
        #expect(response.status == 503)
        #expect(response.retryAfter == .seconds(3600))
        #expect(server.requests.count == 1)
    }

    @Test func `a keyed twin under way is waited for`() async throws {
        let server = try server([409, 200], headers: ["Retry-After: 0"])
        defer { server.stop() }
        let request = ClientRequest(method: .post, url: server.url, body: [1], retry: .keyed())
        #expect(try await client.send(request).status == 200)
    }

    @Test func `the pause is a share of a doubling time, within its limits`() {
        let policy = RetryPolicy.keyed(
            attempts: 30, pauseBase: .milliseconds(100), pauseLimit: .seconds(1))
        func pause(_ attempt: Int, share: Double, after: Duration? = nil) -> Duration? {
            policy.pause(
                afterAttempt: attempt, retryAfter: after, remaining: .seconds(10), share: share)
        }
        #expect(pause(1, share: 1) == .milliseconds(100))
        #expect(pause(3, share: 0.5) == .milliseconds(200))
        #expect(pause(29, share: 1) == .seconds(1))
        #expect(pause(1, share: 0) == .zero)
        #expect(pause(1, share: 1, after: .seconds(2)) == .milliseconds(2100))
        #expect(pause(1, share: 0, after: .seconds(10)) == nil)
        #expect(pause(30, share: 0) == nil)
    }

    @Test func `the breaker leaves a dead peer alone and tries it again later`() async throws {
        var configuration = HTTPClientConfiguration()
        configuration.circuitBreaker.failureThreshold = 3
        configuration.circuitBreaker.openMinimum = .milliseconds(200)
        let telemetry = Telemetry()
        let client = HTTPClient(configuration, world: World(telemetry: telemetry))
        let port = try ScriptedServer.deadPort()
        var request = ClientRequest(
            url: "http://127.0.0.1:\(port)/", retry: .never, peer: "reward")
        for _ in 0..<3 {
            await #expect(throws: HTTPClientError.self) { try await client.send(request) }
        }
        let error = await #expect(throws: HTTPClientError.self) { try await client.send(request) }
        #expect(error?.code == .circuitOpen)
        #expect(error?.retryAfter != nil)
        let server = try ScriptedServer(port: port) { connection in
            while connection.read() != nil { connection.answer(200) }
        }
        defer { server.stop() }
        request.url += "again"
        #expect(await becomesTrue { (try? await client.send(request).status) == 200 })
        #expect(try await client.send(request).status == 200)
        let text = telemetry.metrics.render()
        let name = "grapevine_http_client_requests_total"
        #expect(text.contains("\(name){peer=\"reward\",result=\"connection_failed\"} 3"))
        #expect(text.contains("\(name){peer=\"reward\",result=\"circuit_open\"}"))
        #expect(text.contains("\(name){peer=\"reward\",result=\"2xx\"} 2"))
        let duration = "grapevine_http_client_request_duration_seconds_count"
        #expect(text.contains("\(duration){peer=\"reward\"} 5"))
    }
}
