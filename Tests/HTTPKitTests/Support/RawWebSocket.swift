import Foundation
import TestKit
import Testing

/// A WebSocket client that sends exactly the frames it is told, sound or not. Blocks.
final class RawWebSocket {
    struct Frame: Equatable {
        var isFinal = true
        var opcode: UInt8
        var payload: [UInt8] = []

        static let text: UInt8 = 1
        static let binary: UInt8 = 2
        static let close: UInt8 = 8
        static let ping: UInt8 = 9
        static let pong: UInt8 = 10

        var text: String { String(decoding: payload, as: UTF8.self) }
        /// Of a close frame.
        var code: Int? { payload.count < 2 ? nil : Int(payload[0]) << 8 | Int(payload[1]) }
    }

    static let key = "dGhlIHNhbXBsZSBub25jZQ=="

    let connection: RawConnection
    let answer: RawResponse
    private var buffer: [UInt8] = []

    /// Sends the handshake, with `early` right behind it, and reads the answer.
    init(
        port: UInt16, _ path: String = "/echo", headers: [String] = RawWebSocket.headers(),
        early: [UInt8] = []
    ) throws {
        connection = try RawConnection(port: port)
        try connection.send(Array(message("GET", path, headers: headers).utf8) + early)
        answer = try connection.readResponse()
    }

    static func headers(
        upgrade: String = "websocket", version: String = "13", key: String = key,
        more: [String] = []
    ) -> [String] {
        [
            "Upgrade: \(upgrade)", "Connection: keep-alive, Upgrade",
            "Sec-WebSocket-Version: \(version)", "Sec-WebSocket-Key: \(key)",
        ] + more
    }

    static func bytes(
        _ opcode: UInt8, _ payload: [UInt8], isFinal: Bool = true, isMasked: Bool = true
    ) -> [UInt8] {
        var frame = [(isFinal ? 0x80 : 0) | opcode]
        let mask: UInt8 = isMasked ? 0x80 : 0
        switch payload.count {
        case ..<126: frame.append(mask | UInt8(payload.count))
        case ..<65536:
            frame += [mask | 126, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
        default:
            frame.append(mask | 127)
            frame += (0..<8).map { UInt8(truncatingIfNeeded: payload.count >> ((7 - $0) * 8)) }
        }
        guard isMasked else { return frame + payload }
        let key: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
        return frame + key + payload.enumerated().map { $1 ^ key[$0 % 4] }
    }

    func send(
        _ opcode: UInt8, _ payload: [UInt8] = [], isFinal: Bool = true, isMasked: Bool = true
    ) throws {
        try connection.send(
            Self.bytes(opcode, payload, isFinal: isFinal, isMasked: isMasked), mayFail: true)
    }

    func send(_ text: String) throws { try send(Frame.text, Array(text.utf8)) }

    func sendClose(_ code: Int) throws {
        try send(Frame.close, [UInt8(code >> 8), UInt8(code & 255)])
    }

    /// The next frame; nil when the server closed instead.
    func read() throws -> Frame? {
        while true {
            if let (frame, count) = parse() {
                buffer.removeFirst(count)
                return frame
            }
            let more = try connection.readSome()
            if more.isEmpty { return nil }
            buffer += more
        }
    }

    /// Reads up to a close frame, answers it, and returns its code; nil when there was none.
    func readClose() throws -> Int? {
        while let frame = try read() {
            guard frame.opcode == Frame.close else { continue }
            if let code = frame.code { try sendClose(code) }
            return frame.code ?? 1005
        }
        return nil
    }

    private func parse() -> (Frame, Int)? {
        guard buffer.count >= 2 else { return nil }
        var length = Int(buffer[1] & 0x7F)
        var start = 2
        let extra = length == 126 ? 2 : length == 127 ? 8 : 0
        guard buffer.count >= start + extra else { return nil }
        if extra > 0 {
            length = buffer[2..<2 + extra].reduce(0) { $0 << 8 | Int($1) }
            start += extra
        }
        guard buffer.count >= start + length else { return nil }
        let frame = Frame(
            isFinal: buffer[0] & 0x80 != 0, opcode: buffer[0] & 0x0F,
            payload: Array(buffer[start..<start + length]))
        return (frame, start + length)
    }
}
