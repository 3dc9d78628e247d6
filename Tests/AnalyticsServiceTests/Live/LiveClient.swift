import Foundation
import HTTPKit
import Kernel
import Synchronization
import TestKit

/// Reads an answer that does not end, on a thread of its own, and keeps what came.
final class LiveClient: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var hasEnded = false
    }

    private let descriptor: Int32
    private let state = Mutex(State())

    /// Sends a GET with these header lines.
    init(_ url: String, _ path: String, _ headers: [String]) throws {
        let port = try Self.port(of: url)
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw ProcessError("connect: \(errno)") }
        let lines = ["GET \(path) HTTP/1.1", "Host: test"] + headers
        let head = Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
        _ = send(descriptor, head, head.count, Int32(MSG_NOSIGNAL))
        Thread { [self] in read() }.start()
    }

    static func webSocket(
        _ url: String, _ path: String, protocols: [String] = [], headers: [String] = []
    ) throws -> LiveClient {
        let offer =
            protocols.isEmpty
            ? [] : ["Sec-WebSocket-Protocol: \(protocols.joined(separator: ", "))"]
        return try LiveClient(
            url, path,
            [
                "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            ] + offer + headers)
    }

    deinit { close(descriptor) }

    /// Leaves; the thread ends by it.
    func leave() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    var hasEnded: Bool { state.withLock { $0.hasEnded } }
    var bytes: [UInt8] { state.withLock { $0.bytes } }
    var text: String { String(decoding: bytes, as: UTF8.self) }
    var status: Int? { text.split(separator: " ").dropFirst().first.flatMap { Int($0) } }

    /// Whether a chunked answer came to its end.
    var isFinished: Bool { text.hasSuffix("\r\n0\r\n\r\n") }

    /// Whether the view has begun.
    var isWatching: Bool { text.contains(": live") }

    /// The events of an event stream so far.
    var events: [(id: String, type: String, data: JSONValue)] {
        body.components(separatedBy: "\n\n").compactMap { block in
            var fields: [String: String] = [:]
            for line in block.split(separator: "\n") {
                let parts = line.split(separator: ":", maxSplits: 1)
                if parts.count == 2 {
                    fields[String(parts[0])] = parts[1].trimmingCharacters(in: .whitespaces)
                }
            }
            guard let id = fields["id"], let type = fields["event"],
                let data = fields["data"].flatMap({ try? JSONCoding.parse(Array($0.utf8)) })
            else { return nil }
            return (id, type, data)
        }
    }

    /// The text frames of a WebSocket so far, and the code of its close frame.
    var frames: (messages: [JSONValue], closeCode: Int?) {
        guard let head = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return ([], nil) }
        var rest = bytes[head.upperBound...]
        var messages: [JSONValue] = []
        while rest.count >= 2 {
            let first = rest[rest.startIndex]
            var length = Int(rest[rest.startIndex + 1])
            var start = rest.startIndex + 2
            if length == 126 {
                guard rest.count >= 4 else { break }
                length = Int(rest[start]) << 8 | Int(rest[start + 1])
                start += 2
            }
            guard rest.endIndex - start >= length else { break }
            let payload = rest[start..<start + length]
            if first & 15 == 8 {
                return (messages, payload.prefix(2).reduce(0) { $0 << 8 | Int($1) })
            }
            if first & 15 == 1, let message = try? JSONCoding.parse(Array(payload)) {
                messages.append(message)
            }
            rest = rest[(start + length)...]
        }
        return (messages, nil)
    }

    /// What a chunked answer has brought so far, without the lengths between: a chunk may end in
    /// the middle of an event.
    private var body: String {
        let bytes = bytes
        guard let head = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return "" }
        var (place, body) = (head.upperBound, [UInt8]())
        while let end = bytes[place...].firstRange(of: Array("\r\n".utf8)),
            let length = Int(
                String(decoding: bytes[place..<end.lowerBound], as: UTF8.self), radix: 16)
        {
            let rest = bytes[end.upperBound...].prefix(length)
            body += rest
            place = rest.endIndex + 2
            if rest.count < length || place > bytes.endIndex { break }
        }
        return String(decoding: body, as: UTF8.self)
    }

    private func read() {
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            state.withLock { state in
                if count > 0 { state.bytes += chunk[..<count] } else { state.hasEnded = true }
            }
            if count <= 0 { return }
        }
    }

    private static func port(of url: String) throws -> UInt16 {
        guard let port = url.split(separator: ":").last.flatMap({ UInt16($0) }) else {
            throw ProcessError("\(url) has no port")
        }
        return port
    }
}
