import HTTPKit
import Kernel
import Testing

@Suite(.timeLimit(.minutes(1)))
struct PeerClientTests {
    struct Question: Codable, Sendable, Equatable { let number: Int }
    struct Answer: Codable, Sendable, Equatable { let doubled: Int }

    private let read = Endpoint<Question, Answer>(path: "/internal/double", safety: .read)
    private let keyed = Endpoint<Question, Answer>(path: "/internal/book", safety: .keyed)
    private let client = HTTPClient(HTTPClientConfiguration(), world: World())

    private func peer(_ server: ScriptedServer) -> PeerClient {
        PeerClient(
            name: "reward", baseURL: server.url + "/", client: client,
            authorization: { "Bearer token" })
    }

    private func failure(
        _ server: ScriptedServer, _ options: CallOptions = CallOptions()
    ) async -> PeerError? {
        do throws(PeerError) {
            _ = try await peer(server).call(read, Question(number: 1), options)
            return nil
        } catch { return error }
    }

    @Test func `a call carries what it should and reads its output leniently`() async throws {
        let server = try ScriptedServer { connection in
            while connection.read() != nil {
                connection.answer(200, body: #"{"doubled":42,"new_field":[1]}"#)
            }
        }
        defer { server.stop() }
        let answer = try await peer(server).call(
            keyed, Question(number: 21), CallOptions(idempotencyKey: "run_1/step", position: "3:99")
        )
        #expect(answer == Answer(doubled: 42))
        let seen = try #require(server.requests.first)
        #expect(seen.line == "POST /internal/book HTTP/1.1")
        #expect(seen.body == #"{"number":21}"#)
        #expect(seen.headers["authorization"] == "Bearer token")
        #expect(seen.headers["content-type"] == "application/json")
        #expect(seen.headers["idempotency-key"] == "run_1/step")
        #expect(seen.headers["grapevine-position"] == "3:99")
    }

    @Test func `a keyed endpoint without a key is not called`() async throws {
        let server = try ScriptedServer { connection in _ = connection.read() }
        defer { server.stop() }
        let error = await #expect(throws: PeerError.self) {
            _ = try await peer(server).call(keyed, Question(number: 1))
        }
        #expect(error?.isRetryable == false)
        #expect(server.requests.isEmpty)
    }

    @Test func `a peer's refusal stays readable and is not passed on`() async throws {
        let problem = #"{"status":422,"code":"budget_exceeded","detail":"secret 17"}"#
        let server = try ScriptedServer { connection in
            while connection.read() != nil {
                connection.answer(
                    422, ["Content-Type: application/problem+json; charset=utf-8"], body: problem)
            }
        }
        defer { server.stop() }
        let error = try #require(await failure(server))
        #expect(error.code == "budget_exceeded")
        #expect(error.status == 422)
        #expect(!error.isRetryable)
        #expect(error.problem == .internalError)
        #expect(!"\(error)".contains("secret"))
    }

    @Test func `a refusal that may pass becomes 503 with the peer's Retry-After`() async throws {
        let problem = #"{"status":503,"code":"position_not_reached"}"#
        let server = try ScriptedServer { connection in
            while connection.read() != nil {
                connection.answer(
                    503, ["Content-Type: application/problem+json", "Retry-After: 30"],
                    body: problem)
            }
        }
        defer { server.stop() }
        let error = try #require(await failure(server))
        #expect(error.code == "position_not_reached")
        #expect(error.isRetryable)
        #expect(error.problem.status == 503)
        #expect(error.problem.code == "dependency_unavailable")
        #expect(error.problem.retryAfter == .seconds(30))
    }

    @Test func `a peer that is away becomes 503`() async throws {
        let server = try ScriptedServer { _ in }
        server.stop()
        let error = try #require(await failure(server, CallOptions(attempts: 1)))
        guard case .unavailable = error else {
            Issue.record("\(error)")
            return
        }
        #expect(error.problem.status == 503)
        #expect(error.problem.code == "dependency_unavailable")
        #expect(error.problem.retryAfter == .seconds(1))
    }

    @Test(arguments: [
        (200, "{", true), (200, #"{"doubled":"x"}"#, true), (200, "", true), (204, "", true),
        (404, "<html>", true), (502, "<html>", true), (500, "", true),
    ])
    func `an answer outside the agreement may pass`(status: Int, body: String, passes: Bool)
        async throws
    {
        let server = try ScriptedServer { connection in
            while connection.read() != nil { connection.answer(status, body: body) }
        }
        defer { server.stop() }
        let error = try #require(await failure(server, CallOptions(attempts: 1)))
        #expect(error.isRetryable == passes)
        #expect(error.code == nil)
    }

    @Test func `a peer that does not answer in time is a timeout`() async throws {
        let server = try ScriptedServer { connection in
            _ = connection.read()
            connection.waitForEnd()
        }
        defer { server.stop() }
        let error = await failure(server, CallOptions(deadline: .milliseconds(100)))
        guard case .timeout = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `a GET returns the response as it is`() async throws {
        let server = try ScriptedServer { connection in
            while let request = connection.read() { connection.answer(200, body: request.path) }
        }
        defer { server.stop() }
        let response = try await peer(server).get("/internal/feed?after=3")
        #expect(response.body == Array("/internal/feed?after=3".utf8))
    }
}
