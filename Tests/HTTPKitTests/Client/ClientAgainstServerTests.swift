import HTTPKit
import Kernel
import Testing

/// Client and server of the kit against each other.
@Suite(.timeLimit(.minutes(1)))
struct ClientAgainstServerTests {
    struct Sum: Codable, Sendable, Equatable { let units: [Int] }
    struct Total: Codable, Sendable, Equatable { let total: Int }

    private let add = Endpoint<Sum, Total>(path: "/internal/add", safety: .read)
    private let client = HTTPClient(HTTPClientConfiguration(), world: World())

    private func peer(_ port: UInt16) -> PeerClient {
        PeerClient(
            name: "adder", baseURL: "http://127.0.0.1:\(port)", client: client,
            authorization: { "Bearer right" })
    }

    private func audience() -> Audience<String> {
        Audience(name: "internal", prefix: "/internal") { request in
            guard request.headers["Authorization"] == "Bearer right" else {
                throw Problem.unauthorized("token_invalid", "The token is not right.")
            }
            return "peer"
        }
    }

    private func routes(_ router: inout Router) {
        router.group(audience()) { group in
            group.on(add) { sum, _, _ in
                guard sum.units.count < 1000 else {
                    throw Problem.unprocessable("too_many", "There are too many.")
                }
                return Total(total: sum.units.reduce(0, +))
            }
            group.get("/ids") { request, _ in
                let inner = RequestScope.current?.requestID ?? "-"
                return .json([request.context.requestID, inner, request.context.trace.traceID])
            }
        }
    }

    @Test func `200 parallel calls get each its own answer`() async throws {
        try await withServer(routes: routes) { port in
            let peer = peer(port)
            let right = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        let options = CallOptions(deadline: .seconds(30))
                        let total = try? await peer.call(add, Sum(units: [number, 1]), options)
                        return total == Total(total: number + 1)
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(right == 200)
        }
    }

    @Test func `a refusal of the handler arrives with its code`() async throws {
        try await withServer(routes: routes) { port in
            let error = await #expect(throws: PeerError.self) {
                try await peer(port).call(add, Sum(units: Array(repeating: 1, count: 1000)))
            }
            #expect(error?.code == "too_many")
            #expect(error?.isRetryable == false)
        }
    }

    @Test func `a wrong token is a refusal, too`() async throws {
        try await withServer(routes: routes) { port in
            let stranger = PeerClient(
                name: "adder", baseURL: "http://127.0.0.1:\(port)", client: client,
                authorization: { "Bearer wrong" })
            let error = await #expect(throws: PeerError.self) {
                try await stranger.call(add, Sum(units: [1]))
            }
            #expect(error?.status == 401)
        }
    }

    @Test func `the request id and the trace go from one service to the next`() async throws {
        try await withServer(routes: routes) { port in
            let trace = TraceContext()
            let response = try await TraceContext.$current.withValue(trace) {
                try await RequestScope.$current.withValue(RequestScope(requestID: "req-42")) {
                    try await peer(port).get("/internal/ids")
                }
            }
            let ids = try JSONCoding.decode([String].self, from: response.body, strictness: .strict)
            #expect(ids == ["req-42", "req-42", trace.traceID])
        }
    }

    @Test func `after the server has gone the peer is unavailable, and back when it is back`()
        async throws
    {
        var used: UInt16 = 0
        try await withServer(routes: routes) { port in
            used = port
            _ = try await peer(port).call(add, Sum(units: [1]))
        }
        let gone = used
        let error = await #expect(throws: PeerError.self) {
            try await peer(gone).call(add, Sum(units: [1]))
        }
        #expect(error?.problem.code == "dependency_unavailable")
        try await withServer(configure: { $0.port = gone }, routes: routes) { port in
            let total = try await peer(port).call(add, Sum(units: [2, 3]))
            #expect(total == Total(total: 5))
        }
    }
}
