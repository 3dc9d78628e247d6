import HTTPKit
import Kernel
import TestKit
import Testing

@Suite struct HandshakeTests {
    @Test func `the key is answered as RFC 6455 shows`() async throws {
        try await withServer(routes: SocketRoutes().routes) { port in
            let answer = try await onThread { try RawWebSocket(port: port).answer }
            answer.expect(101)
            #expect(answer["Sec-WebSocket-Accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            #expect(answer["Upgrade"] == "websocket")
            #expect(answer["Connection"]?.lowercased() == "upgrade")
            #expect(answer["Sec-WebSocket-Protocol"] == nil)
            #expect(answer["X-Request-Id"] != nil)
        }
    }

    @Test func `a subprotocol is chosen among those offered`() async throws {
        try await withServer(routes: SocketRoutes().routes) { port in
            let answer = try await onThread {
                try RawWebSocket(
                    port: port,
                    headers: RawWebSocket.headers(
                        more: [
                            "Sec-WebSocket-Protocol: other , grapevine.test",
                            "Sec-WebSocket-Protocol: third",
                        ])
                ).answer
            }
            answer.expect(101)
            #expect(answer["Sec-WebSocket-Protocol"] == "grapevine.test")
        }
    }

    @Test func `what is not an upgrade gets 426 and learns what is wanted`() async throws {
        try await withServer(routes: SocketRoutes().routes) { port in
            let plain = try await request(port, "GET", "/echo")
            plain.expect(426)
            #expect(plain["Upgrade"] == "websocket")
            #expect(plain.text.contains("websocket_required"))
            let old = try await request(
                port, "GET", "/echo", headers: RawWebSocket.headers(version: "8"))
            old.expect(426)
            #expect(old["Sec-WebSocket-Version"] == "13")
            let other = try await request(
                port, "GET", "/echo", headers: RawWebSocket.headers(upgrade: "h2c"))
            other.expect(426)
            let head = try await request(
                port, "HEAD", "/echo", headers: RawWebSocket.headers())
            head.expect(426)
        }
    }

    @Test(arguments: ["", "c2hvcnQ=", "not base64!!", "dGhlIHNhbXBsZSBub25jZQ"])
    func `a key that is not 16 bytes in base64 gets 400`(key: String) async throws {
        try await withServer(routes: SocketRoutes().routes) { port in
            let answer = try await request(
                port, "GET", "/echo", headers: RawWebSocket.headers(key: key))
            answer.expect(400)
            #expect(answer.text.contains("malformed_handshake"))
        }
    }

    @Test func `two keys or a body get 400`() async throws {
        try await withServer(routes: SocketRoutes().routes) { port in
            let twice = try await request(
                port, "GET", "/echo",
                headers: RawWebSocket.headers(
                    more: ["Sec-WebSocket-Key: \(RawWebSocket.key)"]))
            twice.expect(400)
            let withBody = try await request(
                port, "GET", "/echo", headers: RawWebSocket.headers(), body: "{}")
            withBody.expect(400)
        }
    }

    @Test func `HTTP 1 0 cannot be upgraded`() async throws {
        try await withServer(routes: SocketRoutes().routes) { port in
            let answer = try await onThread {
                let connection = try RawConnection(port: port)
                let lines = ["GET /echo HTTP/1.0", "Host: test"] + RawWebSocket.headers()
                try connection.send(lines.joined(separator: "\r\n") + "\r\n\r\n")
                return try connection.readResponse()
            }
            answer.expect(426)
        }
    }

    @Test func `a wrong credential is refused with a problem before the upgrade`() async throws {
        try await withServer(routes: SocketRoutes().routes) { port in
            let refused = try await request(
                port, "GET", "/guarded/echo", headers: RawWebSocket.headers())
            refused.expect(401)
            #expect(refused["Content-Type"] == "application/problem+json")
            let taken = try await onThread {
                try RawWebSocket(
                    port: port, "/guarded/echo",
                    headers: RawWebSocket.headers(more: ["Authorization: Bearer good"])
                ).answer
            }
            taken.expect(101)
        }
    }

    @Test func `the connection of a refused handshake can be used again`() async throws {
        try await withServer(routes: SocketRoutes().routes) { port in
            let statuses = try await onThread {
                let connection = try RawConnection(port: port)
                return try ["8", "13"].map { version in
                    try connection.send(
                        message("GET", "/echo", headers: RawWebSocket.headers(version: version)))
                    return try connection.readResponse().status
                }
            }
            #expect(statuses == [426, 101])
        }
    }

    @Test func `beyond the limit a handshake gets 503 until there is room`() async throws {
        try await withServer(
            configure: { $0.webSocketLimit = 1 }, routes: SocketRoutes().routes
        ) { port in
            let statuses = try await onThread {
                let first = try RawWebSocket(port: port)
                let second = try RawWebSocket(port: port)
                try first.sendClose(1000)
                let closed = try first.readClose()
                // The place is free once the server has given the connection up.
                var third = second.answer.status
                for _ in 0..<1000 where third == 503 {
                    third = try RawWebSocket(port: port).answer.status
                    usleepMilliseconds(5)
                }
                return [first.answer.status, second.answer.status, closed ?? 0, third]
            }
            #expect(statuses == [101, 503, 1000, 101])
        }
    }

    @Test func `a handshake leaves a line and a metric like any request`() async throws {
        let probe = ServerProbe()
        try await withServer(probe: probe, routes: SocketRoutes().routes) { port in
            try await onThread {
                let socket = try RawWebSocket(port: port)
                try socket.sendClose(1000)
                _ = try socket.readClose()
            }
            #expect(try await eventually { probe.lines.contains { $0.contains("socket closed") } })
        }
        #expect(probe.lines.contains { $0.contains("\"status\":101") && $0.contains("/echo") })
        let metrics = probe.metrics.render()
        #expect(metrics.contains("route=\"/echo\",method=\"GET\",status=\"101\"} 1"))
        #expect(metrics.contains("grapevine_websocket_closes_total{code=\"1000\"} 1"))
        #expect(metrics.contains("grapevine_websockets 0"))
    }
}
