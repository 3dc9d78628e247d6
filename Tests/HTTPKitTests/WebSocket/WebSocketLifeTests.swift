import HTTPKit
import Kernel
import Synchronization
import TestKit
import Testing

@Suite struct WebSocketLifeTests {
    typealias Frame = RawWebSocket.Frame

    @Test func `a silent peer is pinged, and cut when it does not answer`() async throws {
        let routes = SocketRoutes {
            $0.pingInterval = .milliseconds(100)
            $0.pongDeadline = .milliseconds(300)
        }
        try await withServer(routes: routes.routes) { port in
            let (pings, isCut) = try await onThread {
                let socket = try RawWebSocket(port: port)
                var pings = 0
                for _ in 0..<3 {
                    guard let frame = try socket.read(), frame.opcode == Frame.ping else { break }
                    pings += 1
                    try socket.send(Frame.pong, frame.payload)
                }
                // The fourth stays without an answer.
                _ = try socket.read()
                return (pings, try socket.read() == nil)
            }
            #expect(pings == 3)
            #expect(isCut)
            #expect(try await eventually { routes.closures.withLock { !$0.isEmpty } })
        }
        #expect(routes.closures.withLock { $0.first?.code } == .abnormal)
    }

    @Test func `a sender waits for a peer that does not read, which is then closed`() async throws {
        let routes = SocketRoutes {
            $0.outgoingLimitBytes = 64 << 10
            $0.stallLimit = .milliseconds(700)
        }
        try await withServer(routes: routes.routes) { port in
            let socket = try RawWebSocket(port: port, "/flood")
            // Until the buffers of the operating system are full too.
            var last = -1
            while routes.sent.load(ordering: .relaxed) != last {
                last = routes.sent.load(ordering: .relaxed)
                try await Task.sleep(for: .milliseconds(150))
            }
            #expect(routes.closures.withLock { $0.isEmpty })
            #expect(last < 32 << 20)
            #expect(try await eventually { routes.closures.withLock { !$0.isEmpty } })
            // Whoever reads after all still learns why.
            let reader = Holder(socket)
            #expect(try await onThread { try reader.socket.readClose() } == 1008)
        }
        #expect(
            routes.closures.withLock { $0 } == [
                WebSocketClosure(code: .policyViolation, isByPeer: false)
            ])
    }

    @Test func `messages that nobody reads stop the peer, not the server's memory`() async throws {
        let routes = SocketRoutes()
        try await withServer(routes: routes.routes) { port in
            let sent = try await onThread { () -> Int in
                let socket = try RawWebSocket(port: port, "/deaf")
                let frame = RawWebSocket.bytes(Frame.binary, [UInt8](repeating: 0, count: 16_000))
                return try socket.connection.sendUntilFull(frame)
            }
            // What the operating system buffers, and 64 KiB.
            #expect(sent < 32 << 20)
        }
    }

    @Test func `a handler is cancelled when its peer vanishes`() async throws {
        let routes = SocketRoutes()
        try await withServer(routes: routes.routes) { port in
            try await onThread { try RawWebSocket(port: port, "/deaf").connection.abort() }
            #expect(try await eventually { routes.cancelled.load(ordering: .relaxed) == 1 })
        }
    }

    @Test func `a peer that leaves without a close frame ends the messages`() async throws {
        let routes = SocketRoutes()
        try await withServer(routes: routes.routes) { port in
            try await onThread {
                let socket = try RawWebSocket(port: port)
                try socket.send("hello")
                _ = try socket.read()
            }
            #expect(try await eventually { routes.closures.withLock { !$0.isEmpty } })
        }
        let closure = WebSocketClosure(code: .abnormal, isByPeer: true)
        #expect(routes.closures.withLock { $0 } == [closure])
    }

    @Test func `the deadlines of requests do not end a socket`() async throws {
        try await withServer(
            configure: {
                $0.handlerDeadline = .milliseconds(100)
                $0.headerDeadline = .milliseconds(100)
                $0.idleDeadline = .milliseconds(100)
                $0.writeDeadline = .milliseconds(100)
                $0.stalledStreamLimit = .seconds(1)
            }, routes: SocketRoutes().routes
        ) { port in
            let text = try await onThread {
                let socket = try RawWebSocket(port: port)
                usleepMilliseconds(1800)
                try socket.send("still here")
                return try socket.read()?.text
            }
            #expect(text == "still here")
        }
    }

    @Test func `draining closes sockets with 1001 and takes no more`() async throws {
        let routes = SocketRoutes()
        var router = Router()
        routes.routes(&router)
        let server = HTTPServer(router: router, world: ServerProbe().world)
        let port = try server.start()
        let client = Holder(try RawWebSocket(port: port))
        async let code = onThread { try client.socket.readClose() }
        let started = ContinuousClock.now
        await server.drain(within: .seconds(20))
        #expect(try await code == 1001)
        #expect(ContinuousClock.now - started < .seconds(15))
        #expect(server.connectionCount == 0)
    }

    @Test func `draining does not wait for ever for a peer that does not answer`() async throws {
        let routes = SocketRoutes()
        var router = Router()
        routes.routes(&router)
        let server = HTTPServer(router: router, world: ServerProbe().world)
        let port = try server.start()
        let socket = try RawWebSocket(port: port, "/deaf")
        await server.drain(within: .milliseconds(300))
        #expect(server.connectionCount == 0)
        #expect(routes.cancelled.load(ordering: .relaxed) == 1)
        withExtendedLifetime(socket) {}
    }

    @Test func `many sockets at once each get their own messages`() async throws {
        try await withServer(routes: SocketRoutes().routes) { port in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<40 {
                    group.addTask {
                        try await onThread {
                            let socket = try RawWebSocket(port: port)
                            for round in 0..<50 {
                                try socket.send("\(number).\(round)")
                                guard try socket.read()?.text == "\(number).\(round)" else {
                                    return false
                                }
                            }
                            try socket.sendClose(1000)
                            return try socket.readClose() == 1000
                        }
                    }
                }
                for try await isRight in group { #expect(isRight) }
            }
        }
    }

    /// Carries a blocking client to another thread; one at a time uses it.
    private struct Holder: @unchecked Sendable {
        let socket: RawWebSocket
        init(_ socket: RawWebSocket) { self.socket = socket }
    }
}
