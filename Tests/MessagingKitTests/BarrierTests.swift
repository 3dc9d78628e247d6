import Contracts
import HTTPKit
import Kernel
import MessagingKit
import PostgresKit
import Testing

@Suite(.timeLimit(.minutes(2))) struct BarrierTests {
    @Test func `a position that was passed lets the call through`() async throws {
        try await Stage.with { stage in
            let client = stage.client()
            let subscriber = stage.subscriber()
            try await stage.running(subscriber.run) {
                try await stage.log.publish(1...3, client: client)
                let position = LogPosition(shard: stage.log.shard(of: client), position: 3)
                try await subscriber.barrier.wait(for: position, within: .seconds(30))
                #expect(try await stage.effects(of: client) == [1, 2, 3])
            }
        }
    }

    @Test func `a call waits also in a replica that does not have the shard`() async throws {
        try await Stage.with { stage in
            let client = stage.client()
            let subscriber = stage.subscriber()
            try await stage.running(subscriber.run) {
                try await stage.log.publish(1...3, client: client)
                let elsewhere = PositionBarrier(
                    subscriber: subscriber.name, postgres: stage.process())
                try await elsewhere.wait(
                    for: LogPosition(shard: stage.log.shard(of: client), position: 3),
                    within: .seconds(30))
                #expect(try await stage.effects(of: client) == [1, 2, 3])
            }
        }
    }

    @Test func `a filter does not keep a call waiting for events of other types`() async throws {
        try await Stage.with { stage in
            let client = stage.client()
            let subscriber = stage.subscriber(types: ["test.wanted"])
            try await stage.running(subscriber.run) {
                try await stage.log.publish(1...3, client: client)
                try await subscriber.barrier.wait(
                    for: LogPosition(shard: stage.log.shard(of: client), position: 3),
                    within: .seconds(30))
            }
        }
    }

    @Test func `a position that is not reached in time is a 503 that may be tried again`()
        async throws
    {
        try await Stage.with { stage in
            let barrier = stage.subscriber().barrier
            let problem = await #expect(throws: Problem.self) {
                try await barrier.wait(
                    for: LogPosition(shard: 0, position: 1), within: .milliseconds(100))
            }
            #expect(problem?.status == 503)
            #expect(problem?.code == "position_not_reached")
            #expect(problem?.retryAfter != nil)
        }
    }

    @Test func `the middleware holds requests that carry a position, and only those`()
        async throws
    {
        try await Stage.with { stage in
            let barrier = stage.subscriber().barrier
            let middleware = BarrierMiddleware([barrier], limit: .milliseconds(100))
            func status(_ position: String?) async throws -> Int {
                try await middleware.respond(to: Self.request(position: position)) { _ in
                    HTTPResponse(status: 204)
                }.status
            }
            let passed = [try await status(nil), try await status("0:0")]
            #expect(passed == [204, 204])
            let late = await #expect(throws: Problem.self) { try await status("0:1") }
            #expect(late?.code == "position_not_reached")
            for malformed in ["", "1", "a:b", "1:", ":1", "-1:2", "1:2:3", "01:2", "1:+2"] {
                let problem = await #expect(throws: Problem.self) {
                    try await status(malformed)
                }
                #expect(problem?.code == "invalid_position")
            }
        }
    }

    private static func request(position: String?) -> HTTPRequest {
        var headers = HTTPHeaders()
        if let position { headers.add(LogPosition.headerName, position) }
        return HTTPRequest(
            method: .post, path: "/internal/rewards/allocate", headers: headers,
            context: RequestContext(
                requestID: "test", trace: TraceContext(), deadline: .now + .seconds(30),
                receivedAt: SystemClock().now(), logger: .silent))
    }
}
