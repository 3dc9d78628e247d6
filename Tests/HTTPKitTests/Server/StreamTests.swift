import HTTPKit
import Kernel
import Synchronization
import TestKit
import Testing

@Suite struct StreamTests {
    /// What happened to a producer.
    private final class Producer: Sendable {
        let written = Atomic(0)
        let ended = Mutex<String?>(nil)

        func routes(_ router: inout Router) {
            router.group(.open()) { group in
                group.get("/numbers") { request, _ in
                    let count = try request.query.integer("n") ?? 0
                    return .stream(contentType: "text/plain") { writer in
                        for number in 0..<count { try await writer.write("\(number)\n") }
                    }
                }
                group.get("/endless") { [self] _, _ in
                    .stream(contentType: "application/octet-stream") { try await self.produce($0) }
                }
                group.get("/events") { [self] _, _ in
                    .stream(contentType: "text/event-stream") { try await self.tick($0) }
                }
                group.get("/broken") { _, _ in
                    .stream(contentType: "text/plain") { writer in
                        try await writer.write("half")
                        throw CancellationError()
                    }
                }
            }
        }

        private func produce(_ writer: HTTPBodyWriter) async throws {
            do {
                while true {
                    try await writer.write([UInt8](repeating: 7, count: 4096))
                    written.add(4096, ordering: .relaxed)
                }
            } catch {
                ended.withLock { $0 = "\(error)" }
                throw error
            }
        }

        private func tick(_ writer: HTTPBodyWriter) async throws {
            do {
                while true {
                    try await writer.write("data: tick\n\n")
                    try await Task.sleep(for: .milliseconds(20))
                }
            } catch {
                ended.withLock { $0 = "\(error)" }
                throw error
            }
        }

        var hasEnded: Bool { ended.withLock { $0 != nil } }
    }

    @Test func `a stream arrives whole and the connection stays`() async throws {
        try await withServer(routes: Producer().routes) { port in
            let responses = try await onThread {
                let connection = try RawConnection(port: port)
                return try [1000, 0, 50_000].map { count in
                    try connection.send(message("GET", "/numbers?n=\(count)"))
                    return try connection.readResponse().text
                }
            }
            #expect(responses[0] == (0..<1000).map { "\($0)\n" }.joined())
            #expect(responses[1].isEmpty)
            #expect(responses[2] == (0..<50_000).map { "\($0)\n" }.joined())
        }
    }

    @Test func `a producer waits for a client that does not read`() async throws {
        let producer = Producer()
        try await withServer(routes: producer.routes) { port in
            let connection = try RawConnection(port: port)
            try connection.send(message("GET", "/endless"))
            // It stops growing once the socket's buffers and ours are full.
            var last = -1
            var isStill = false
            for _ in 0..<100 where !isStill {
                try await Task.sleep(for: .milliseconds(100))
                let now = producer.written.load(ordering: .relaxed)
                isStill = now > 0 && now == last
                last = now
            }
            #expect(isStill)
            #expect(last < 64 << 20)
            connection.abort()
            #expect(try await eventually { producer.hasEnded })
        }
    }

    @Test func `a client that leaves ends the producer`() async throws {
        let producer = Producer()
        try await withServer(routes: producer.routes) { port in
            try await onThread {
                let connection = try RawConnection(port: port)
                try connection.send(message("GET", "/events"))
                _ = try connection.readSome()
            }
            #expect(try await eventually { producer.hasEnded })
        }
    }

    @Test func `a stream that fails is visibly incomplete`() async throws {
        try await withServer(routes: Producer().routes) { port in
            let bytes = try await onThread {
                let connection = try RawConnection(port: port)
                try connection.send(message("GET", "/broken"))
                return try connection.readToEnd()
            }
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(text.contains("half"))
            #expect(!text.hasSuffix("0\r\n\r\n"))
        }
    }

    @Test func `HEAD of a stream does not start it`() async throws {
        let producer = Producer()
        try await withServer(routes: producer.routes) { port in
            try await request(port, "HEAD", "/endless").expect(200)
            #expect(producer.written.load(ordering: .relaxed) == 0)
        }
    }

    // MARK: - Drain

    private static func server(
        _ routes: (inout Router) -> Void
    ) throws -> (HTTPServer, UInt16) {
        var router = Router()
        routes(&router)
        let server = HTTPServer(router: router, world: World())
        return (server, try server.start())
    }

    @Test func `a drain lets requests finish and refuses new connections`() async throws {
        let started = Atomic(0)
        let isOpen = Atomic(false)
        let (server, port) = try Self.server { router in
            router.group(.open()) { group in
                group.get("/slow") { _, _ in
                    started.add(1, ordering: .relaxed)
                    while !isOpen.load(ordering: .relaxed) {
                        try await Task.sleep(for: .milliseconds(5))
                    }
                    return .text("done")
                }
            }
        }
        let connections = try (0..<20).map { _ in try RawConnection(port: port) }
        for connection in connections { try connection.send(message("GET", "/slow")) }
        #expect(try await eventually { started.load(ordering: .relaxed) == 20 })
        async let drained: Void = server.drain(within: .seconds(10))
        #expect(try await eventually { (try? RawConnection(port: port)) == nil })
        isOpen.store(true, ordering: .relaxed)
        await drained
        let answers = try connections.map { try $0.readResponse() }
        #expect(answers.allSatisfy { $0.text == "done" && $0["Connection"] == "close" })
    }

    @Test func `a drain answers for handlers that do not finish`() async throws {
        let hasStarted = Atomic(false)
        let (server, port) = try Self.server { router in
            router.group(.open()) { group in
                group.get("/stuck") { _, _ in
                    hasStarted.store(true, ordering: .relaxed)
                    try await Task.sleep(for: .seconds(60))
                    return .noContent
                }
            }
        }
        let connection = try RawConnection(port: port)
        try connection.send(message("GET", "/stuck"))
        #expect(try await eventually { hasStarted.load(ordering: .relaxed) })
        await server.drain(within: .milliseconds(200))
        let answer = try connection.readResponse()
        #expect(answer.status == 503)
        #expect(answer.text.contains(#""code":"shutting_down""#))
    }

    @Test func `a drain ends event streams cleanly and others by cutting`() async throws {
        let producer = Producer()
        let (server, port) = try Self.server(producer.routes)
        let (events, endless) = (try RawConnection(port: port), try RawConnection(port: port))
        try events.send(message("GET", "/events"))
        try endless.send(message("GET", "/endless"))
        _ = try events.readSome()
        await server.drain(within: .milliseconds(300))
        let rest = try events.readToEnd()
        #expect(String(decoding: rest, as: UTF8.self).hasSuffix("0\r\n\r\n"))
        #expect(try !endless.readToEnd().suffix(5).elementsEqual("0\r\n\r\n".utf8))
        #expect(producer.hasEnded)
    }

    @Test func `a drain closes idle connections at once`() async throws {
        let (server, port) = try Self.server(standardRoutes)
        let connections = try (0..<50).map { _ in try RawConnection(port: port) }
        for connection in connections { try connection.send(message("GET", "/hello")) }
        for connection in connections { try await onceAnswered(connection) }
        await server.drain(within: .seconds(10))
        #expect(try connections.allSatisfy { try $0.isClosed() })
        await server.drain(within: .seconds(10))
    }

    private func onceAnswered(_ connection: RawConnection) async throws {
        _ = try connection.readResponse()
    }

    @Test func `a port that is taken is named`() async throws {
        let (server, port) = try Self.server(standardRoutes)
        var configuration = HTTPServerConfiguration()
        configuration.port = port
        let second = HTTPServer(router: Router(), configuration: configuration, world: World())
        let error = #expect(throws: HTTPServerError.self) { try second.start() }
        #expect(error?.code == .addressInUse)
        #expect(error?.description.contains("\(port)") == true)
        await server.drain(within: .seconds(1))
    }
}
