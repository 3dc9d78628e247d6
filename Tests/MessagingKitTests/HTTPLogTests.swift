import Contracts
import HTTPKit
import Kernel
import MessagingKit
import Testing

@Suite(.timeLimit(.minutes(1))) struct HTTPLogTests {
    private let client = ClientID(SystemIDGenerator().next())

    /// Serves a log in memory over the routes of event-service and reads it as another service
    /// does.
    private func serving(
        _ log: MemoryLog, token: String = "good", _ play: (HTTPLog) async throws -> Void
    ) async throws {
        let world = World()
        let audience = Audience<Void>(
            name: "internal", prefix: "/internal", strictness: .lenient
        ) { request in
            guard request.headers["Authorization"] == "Bearer good" else {
                throw Problem.unauthorized("unauthorized", "Wrong token.")
            }
        }
        var router = Router()
        router.group(audience) { group in
            group.on(EventContracts.append) { input, _, _ in
                do {
                    return LogAppendResponse(results: try await log.append(input.messages))
                } catch let error as LogError { throw Self.problem(error) }
            }
            group.on(EventContracts.shards) { _, _, _ in
                LogShardsResponse(count: try await log.shardCount())
            }
            group.get("/feed") { request, _ in
                do {
                    return .json(try await log.feed(try Self.feedRequest(request)))
                } catch let error as LogError { throw Self.problem(error) }
            }
        }
        let server = HTTPServer(
            router: router, configuration: HTTPServerConfiguration(), world: world)
        let port = try server.start()
        let http = HTTPClient(HTTPClientConfiguration(), world: world)
        let peer = PeerClient(
            name: "event", baseURL: "http://127.0.0.1:\(port)", client: http,
            authorization: { "Bearer \(token)" })
        let result: Result<Void, any Error>
        do {
            result = .success(try await play(HTTPLog(peer: peer)))
        } catch {
            result = .failure(error)
        }
        await http.shutdown()
        await server.drain(within: .seconds(1))
        try result.get()
    }

    private static func problem(_ error: LogError) -> Problem {
        switch error {
        case .refused(let code, let detail): .badRequest(code, detail)
        case .unavailable: .unavailable(retryAfter: .seconds(3))
        case .unreadable: .internalError
        }
    }

    private static func feedRequest(_ request: HTTPRequest) throws -> FeedRequest {
        FeedRequest(
            subscriber: request.query["subscriber"],
            shard: try #require(try request.query.integer("shard")),
            after: try #require(try request.query.integer("after")),
            limit: try #require(try request.query.integer("limit")),
            wanted: try #require(Wanted(query: { request.query[$0] })),
            waitMilliseconds: try request.query.integer("wait_milliseconds") ?? 0)
    }

    @Test func `messages travel to the log and come back as events`() async throws {
        let log = MemoryLog(shards: 3)
        try await serving(log) { port in
            #expect(try await port.shardCount() == 3)
            let messages = (1...3).map { MemoryLog.message($0, client: client) }
            let first = try await port.append(messages)
            let again = try await port.append(messages)
            #expect(first.map(\.status) == [.accepted, .accepted, .accepted])
            #expect(again.map(\.status) == [.duplicate, .duplicate, .duplicate])
            #expect(again.map(\.position) == first.map(\.position))
            let shard = log.shard(of: client)
            let page = try await port.feed(
                FeedRequest(
                    subscriber: "a b&c=d", shard: shard, after: 1, limit: 1,
                    wanted: Wanted(types: ["test.happened", "x:y"])))
            #expect(page == FeedPage(shard: shard, events: [log.events[1]], next: 2, head: 3))
            #expect(log.acknowledged("a b&c=d", shard: shard) == 1)
        }
    }

    @Test func `a held answer comes as soon as something is there`() async throws {
        let log = MemoryLog(shards: 1)
        try await serving(log) { port in
            async let page = port.feed(
                FeedRequest(subscriber: nil, shard: 0, after: 0, waitMilliseconds: 10_000))
            try await log.publish(1...1, client: client)
            let events = try await page.events
            #expect(events.map(\.number) == [1])
        }
    }

    @Test func `a page with an event that cannot be read says where it is`() throws {
        let frame = #"{"shard":3,"next":1050,"head":2000,"events":["#
        for broken in [#"{"position":"3:1042","type":7}]}"#, #"{"position":"3:1042",\u{1}"#] {
            let bytes = Array((frame + broken).utf8)
            let error = #expect(throws: LogError.self) { try FeedPage(reading: bytes) }
            guard case .unreadable(let page) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(page.position == LogPosition(shard: 3, position: 1042))
            #expect(page.next == 1050)
            #expect(page.body == bytes)
        }
    }

    @Test(arguments: [
        "<html>", "", #"{"shard":3,"next":1050,"head":2000,"events":[{"#,
        #"{"shard":3,"next":1050,"head":2000,"events":[{"position":"4:1042","type":7}]}"#,
        #"{"shard":3,"next":1,"head":2000,"events":[{"position":"3:1042","type":7}]}"#,
    ])
    func `what no log has written is no page`(_ text: String) {
        let error = #expect(throws: LogError.self) { try FeedPage(reading: Array(text.utf8)) }
        guard case .unavailable = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `only a wrong message is refused for ever`() async throws {
        let log = MemoryLog()
        log.refuse(types: ["test.refused"])
        try await serving(log) { port in
            await #expect(throws: LogError.refused(code: "validation_failed", detail: "No.")) {
                try await port.append(
                    [MemoryLog.message(1, client: client, type: "test.refused")])
            }
            log.isAway = true
            let away = await #expect(throws: LogError.self) {
                try await port.append([MemoryLog.message(1, client: client)])
            }
            guard case .unavailable(_, .seconds(3)) = away else {
                Issue.record("\(String(describing: away))")
                return
            }
        }
        try await serving(log, token: "bad") { port in
            let refused = await #expect(throws: LogError.self) { try await port.shardCount() }
            guard case .unavailable = refused else {
                Issue.record("\(String(describing: refused))")
                return
            }
        }
    }
}
