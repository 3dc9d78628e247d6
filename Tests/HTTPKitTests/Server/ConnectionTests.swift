import HTTPKit
import Kernel
import Synchronization
import TestKit
import Testing

@Suite struct ConnectionTests {
    @Test func `a thousand requests go over one connection`() async throws {
        try await withServer(routes: standardRoutes) { port in
            let count = try await onThread {
                let connection = try RawConnection(port: port)
                var count = 0
                for number in 0..<1000 {
                    try connection.send(message("GET", number % 2 == 0 ? "/hello" : "/later"))
                    count += try connection.readResponse().status == 200 ? 1 : 0
                }
                return count
            }
            #expect(count == 1000)
        }
    }

    @Test func `pipelined requests are answered in order`() async throws {
        try await withServer(routes: standardRoutes) { port in
            let texts = try await onThread {
                let connection = try RawConnection(port: port)
                var all = ""
                for number in 0..<50 {
                    let path = "/items/\(number)/parts/x"
                    all += message("GET", path) + message("GET", "/later")
                }
                try connection.send(all)
                return try (0..<100).map { _ in try connection.readResponse().text }
            }
            let wanted = (0..<50).flatMap { ["\($0)|x|-", #"{"name":"later"}"#] }
            #expect(texts == wanted)
        }
    }

    @Test func `two hundred connections work at the same time`() async throws {
        try await withServer(routes: standardRoutes) { port in
            let count = try await onThread {
                let connections = try (0..<200).map { _ in try RawConnection(port: port) }
                var count = 0
                for round in 0..<3 {
                    for connection in connections {
                        try connection.send(message("GET", round == 1 ? "/hello" : "/later"))
                    }
                    for connection in connections {
                        count += try connection.readResponse().status == 200 ? 1 : 0
                    }
                }
                return count
            }
            #expect(count == 600)
        }
    }

    @Test func `beyond the limit a connection waits until another ends`() async throws {
        try await withServer(configure: { $0.connectionLimit = 2 }, routes: standardRoutes) {
            port in
            let text = try await onThread {
                var first: RawConnection? = try RawConnection(port: port)
                let second = try RawConnection(port: port)
                for connection in [first, second] {
                    try connection?.send(message("GET", "/hello"))
                    _ = try connection?.readResponse()
                }
                let third = try RawConnection(port: port)
                try third.send(message("GET", "/hello"))
                first = nil
                return try third.readResponse().text
            }
            #expect(text == #"{"name":"world"}"#)
        }
    }

    @Test func `HTTP/1.0 is answered and closed`() async throws {
        try await withServer(routes: standardRoutes) { port in
            let bytes = try await onThread {
                let connection = try RawConnection(port: port)
                try connection.send("GET /later HTTP/1.0\r\n\r\n")
                return try connection.readToEnd()
            }
            let text = String(decoding: bytes, as: UTF8.self)
            #expect(text.contains(" 200 ") && text.hasSuffix(#"{"name":"later"}"#))
        }
    }

    @Test func `a client that leaves in mid-body does no harm`() async throws {
        let probe = ServerProbe()
        try await withServer(probe: probe, routes: standardRoutes) { port in
            try await onThread {
                for number in 0..<20 {
                    let connection = try RawConnection(port: port)
                    try connection.send(
                        message(
                            "POST", "/echo",
                            headers: [
                                "Content-Type: application/json", "Content-Length: 1000",
                            ]) + "{\"name\":")
                    if number % 2 == 0 { connection.abort() }
                }
            }
            // A reset may reach the server before the request was read, a plain end may not.
            let counted = { probe.lines.filter { $0.contains(#""status":499"#) }.count }
            #expect(try await eventually { counted() >= 10 })
            #expect(
                try await eventually {
                    probe.metrics.render().contains("grapevine_http_connections 0\n")
                })
            try await request(port, "GET", "/hello").expect(200)
        }
    }

    @Test func `a client that leaves while the handler works does no harm`() async throws {
        try await withServer(routes: standardRoutes) { port in
            try await onThread {
                for number in 0..<50 {
                    let connection = try RawConnection(port: port)
                    try connection.send(message("GET", "/later"))
                    if number % 2 == 0 { connection.abort() }
                }
            }
            try await request(port, "GET", "/later").expect(200)
        }
    }

    // MARK: - Slow peers

    private static func drip(
        _ port: UInt16, first: String, then byte: String
    ) async throws -> Bool {
        try await onThread {
            let connection = try RawConnection(port: port)
            try connection.send(first)
            // Never idle for long, so only a total deadline ends it.
            for _ in 0..<400 {
                do { try connection.send(byte) } catch { return true }
                usleepMilliseconds(20)
            }
            return false
        }
    }

    @Test func `headers that drip in are ended at a total deadline`() async throws {
        try await withServer(
            configure: { $0.headerDeadline = .milliseconds(500) }, routes: standardRoutes
        ) { port in
            let first = "GET /hello HTTP/1.1\r\nHost: a\r\nX: "
            let wasCut = try await Self.drip(port, first: first, then: "a")
            #expect(wasCut)
        }
    }

    @Test func `a body that drips in is ended at a total deadline`() async throws {
        let probe = ServerProbe()
        try await withServer(
            probe: probe, configure: { $0.bodyDeadline = .milliseconds(500) },
            routes: standardRoutes
        ) { port in
            let first = message("POST", "/size", headers: ["Content-Length: 10000"])
            let wasCut = try await Self.drip(port, first: first, then: "a")
            #expect(wasCut)
            #expect(probe.metrics.render().contains("grapevine_http_slow_peers_total 1"))
        }
    }

    @Test func `an idle connection is closed`() async throws {
        try await withServer(
            configure: { $0.idleDeadline = .milliseconds(300) }, routes: standardRoutes
        ) { port in
            let isClosed = try await onThread {
                let connection = try RawConnection(port: port)
                try connection.send(message("GET", "/hello"))
                _ = try connection.readResponse()
                return try connection.isClosed()
            }
            #expect(isClosed)
        }
    }

    @Test func `a client that does not read its answer is cut`() async throws {
        let routes: (inout Router) -> Void = { router in
            router.group(.open()) { group in
                group.get("/huge") { _, _ in
                    .bytes([UInt8](repeating: 1, count: 64 << 20), contentType: "x/y")
                }
            }
        }
        let probe = ServerProbe()
        try await withServer(
            probe: probe, configure: { $0.writeDeadline = .milliseconds(500) }, routes: routes
        ) { port in
            let connection = try RawConnection(port: port)
            try connection.send(message("GET", "/huge"))
            let wasCut = try await eventually {
                probe.lines.contains { $0.contains(#""incomplete":true"#) }
            }
            #expect(wasCut)
            withExtendedLifetime(connection) {}
        }
    }

    // MARK: - Handlers that take too long

    @Test func `a handler beyond its deadline is cancelled and answered with 503`() async throws {
        let wasCancelled = Mutex(false)
        let routes: (inout Router) -> Void = { router in
            router.group(.open()) { group in
                group.get("/slow", limits: RouteLimits(deadline: .milliseconds(300))) { _, _ in
                    do {
                        try await Task.sleep(for: .seconds(30))
                    } catch {
                        wasCancelled.withLock { $0 = true }
                        throw error
                    }
                    return .noContent
                }
            }
        }
        try await withServer(routes: routes) { port in
            let response = try await request(port, "GET", "/slow")
            #expect(response.status == 503)
            #expect(response.text.contains(#""code":"deadline_exceeded""#))
            #expect(response["Retry-After"] == "1")
            #expect(try await eventually { wasCancelled.withLock { $0 } })
        }
    }

    @Test func `errors become problems and only unknown ones are logged`() async throws {
        struct Strange: Error {}
        struct Known: ProblemConvertible {
            var problem: Problem {
                .conflict("busy", "Try later.", retryAfter: .milliseconds(1500))
            }
        }
        let probe = ServerProbe()
        let routes: (inout Router) -> Void = { router in
            router.group(.open()) { group in
                group.get("/strange") { _, _ in throw Strange() }
                group.get("/known") { _, _ in throw Known() }
                group.get("/unwritable") { _, _ in .json(["x": Double.nan]) }
            }
        }
        try await withServer(probe: probe, routes: routes) { port in
            let known = try await request(port, "GET", "/known")
            #expect(known.status == 409 && known["Retry-After"] == "2")
            #expect(!probe.lines.contains { $0.contains("request failed") })
            let strange = try await request(port, "GET", "/strange")
            #expect(strange.status == 500 && !strange.text.contains("Strange"))
            #expect(
                probe.lines.contains { $0.contains("request failed") && $0.contains("Strange") })
            try await request(port, "GET", "/unwritable").expect(500)
        }
    }
}
