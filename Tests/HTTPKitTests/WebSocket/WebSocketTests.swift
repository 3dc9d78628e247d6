import HTTPKit
import Kernel
import Synchronization
import TestKit
import Testing

@Suite struct WebSocketTests {
    typealias Frame = RawWebSocket.Frame

    @Test func `messages of every size come back whole`() async throws {
        try await withServer(routes: SocketRoutes().routes) { port in
            let isWhole = try await onThread {
                let socket = try RawWebSocket(port: port)
                for size in [0, 1, 125, 126, 4096, 65_535, 65_536] {
                    let payload = (0..<size).map { UInt8(truncatingIfNeeded: $0 * 31) }
                    try socket.send(Frame.binary, payload)
                    let echo = try socket.read()
                    guard echo == Frame(opcode: Frame.binary, payload: payload) else {
                        return false
                    }
                }
                return true
            }
            #expect(isWhole)
        }
    }

    @Test func `fragments make one message with a ping in between`() async throws {
        try await withServer(routes: SocketRoutes().routes) { port in
            let frames = try await onThread {
                let socket = try RawWebSocket(port: port)
                // "ü" is cut in two.
                try socket.send(Frame.text, [0x67, 0xC3], isFinal: false)
                try socket.send(Frame.ping, Array("still there?".utf8))
                try socket.send(0, [0xBC], isFinal: false)
                try socket.send(0, Array("n".utf8))
                return [try socket.read(), try socket.read()]
            }
            #expect(frames[0] == Frame(opcode: Frame.pong, payload: Array("still there?".utf8)))
            #expect(frames[1]?.text == "gün")
        }
    }

    @Test func `what comes right behind the handshake is not lost`() async throws {
        try await withServer(routes: SocketRoutes().routes) { port in
            let texts = try await onThread {
                let early = ["one", "two", "three"].flatMap {
                    RawWebSocket.bytes(Frame.text, Array($0.utf8))
                }
                let socket = try RawWebSocket(port: port, early: early)
                return try (0..<3).map { _ in try socket.read()?.text }
            }
            #expect(texts == ["one", "two", "three"])
        }
    }

    @Test func `a peer's close is answered with its code and seen by the handler`() async throws {
        let routes = SocketRoutes()
        try await withServer(routes: routes.routes) { port in
            let (code, isClosed) = try await onThread {
                let socket = try RawWebSocket(port: port)
                try socket.send("hello")
                _ = try socket.read()
                try socket.sendClose(4001)
                return (try socket.read()?.code, try socket.read() == nil)
            }
            #expect(code == 4001)
            #expect(isClosed)
            #expect(try await eventually { routes.closures.withLock { !$0.isEmpty } })
        }
        let closure = WebSocketClosure(code: WebSocketCloseCode(4001), isByPeer: true)
        #expect(routes.closures.withLock { $0 } == [closure])
    }

    @Test func `the handler's outcome is the close code`() async throws {
        try await withServer(routes: SocketRoutes().routes) { port in
            let (text, done, failed) = try await onThread {
                let once = try RawWebSocket(port: port, "/once?say=bye")
                let text = try once.read()?.text
                return (
                    text, try once.readClose(),
                    try RawWebSocket(port: port, "/broken").readClose()
                )
            }
            #expect(text == "bye")
            #expect(done == 1000)
            #expect(failed == 1011)
        }
    }

    struct Fault: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytes: [UInt8]
        let code: Int
    }

    static let faults = [
        Fault(
            testDescription: "unmasked",
            bytes: RawWebSocket.bytes(1, Array("x".utf8), isMasked: false), code: 1002),
        Fault(testDescription: "no UTF-8", bytes: RawWebSocket.bytes(1, [0xFF]), code: 1007),
        Fault(
            testDescription: "half a character", bytes: RawWebSocket.bytes(1, [0xC3]), code: 1007),
        Fault(
            testDescription: "a surrogate", bytes: RawWebSocket.bytes(1, [0xED, 0xA0, 0x80]),
            code: 1007),
        Fault(
            testDescription: "too large",
            bytes: RawWebSocket.bytes(2, [UInt8](repeating: 0, count: (64 << 10) + 1)), code: 1009),
        Fault(
            testDescription: "too large in fragments",
            bytes: RawWebSocket.bytes(
                2, [UInt8](repeating: 0, count: 40 << 10), isFinal: false)
                + RawWebSocket.bytes(0, [UInt8](repeating: 0, count: 40 << 10)), code: 1009),
        Fault(
            testDescription: "continues nothing", bytes: RawWebSocket.bytes(0, [1]), code: 1002),
        Fault(testDescription: "a reserved bit", bytes: [0xC1, 0x80, 0, 0, 0, 0], code: 1002),
        Fault(testDescription: "an unknown kind", bytes: RawWebSocket.bytes(3, []), code: 1002),
        Fault(
            testDescription: "a close code that may not be sent",
            bytes: RawWebSocket.bytes(8, [0x03, 0xEE]), code: 1002),
    ]

    @Test(arguments: faults)
    func `a peer that breaks the protocol is told how`(fault: Fault) async throws {
        try await withServer(routes: SocketRoutes().routes) { port in
            let code = try await onThread {
                let socket = try RawWebSocket(port: port)
                try socket.connection.send(fault.bytes, mayFail: true)
                return try socket.readClose()
            }
            #expect(code == fault.code)
        }
    }

    @Test func `broken framing ends the connection`() async throws {
        try await withServer(routes: SocketRoutes().routes) { port in
            let frames = try await onThread {
                // A ping in fragments, and one that is too long.
                try [
                    RawWebSocket.bytes(9, [1], isFinal: false),
                    RawWebSocket.bytes(9, [UInt8](repeating: 0, count: 126)),
                ].map { bytes in
                    let socket = try RawWebSocket(port: port)
                    try socket.connection.send(bytes, mayFail: true)
                    let close = try socket.read()
                    return (close?.opcode, try socket.read() == nil)
                }
            }
            #expect(frames.allSatisfy { $0.0 == Frame.close && $0.1 })
        }
    }
}
