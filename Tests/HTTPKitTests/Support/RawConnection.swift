import Foundation
import Glibc
import Testing

/// A TCP connection that sends exactly the bytes it is told. Blocks, so use it through `onThread`.
final class RawConnection {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var isAborted = false

    init(port: UInt16, timeoutSeconds: Int = 20) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw Failure(description: "socket: \(errno)") }
        var limit = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw Failure(description: "connect: \(errno)") }
    }

    deinit { if !isAborted { close(descriptor) } }

    /// Sends everything; an error counts only when `mayFail` is false.
    func send(_ text: String, mayFail: Bool = false) throws {
        try send(Array(text.utf8), mayFail: mayFail)
    }

    func send(_ bytes: [UInt8], mayFail: Bool = false) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 {
                if mayFail { return }
                throw Failure(description: "send: \(errno)")
            }
            sent += count
        }
    }

    /// Sends the same again until the peer has taken nothing for half a second. Returns the bytes.
    func sendUntilFull(_ bytes: [UInt8]) throws -> Int {
        var limit = timeval(tv_sec: 0, tv_usec: 500_000)
        setsockopt(
            descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var sent = 0
        while sent < 256 << 20 {
            let count = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            guard count > 0 else { return sent }
            sent += count
            // Half a frame says that the next call would wait.
            if count < bytes.count { return sent }
        }
        return sent
    }

    /// Half-closes, as a client that has no more to say.
    func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Resets the connection; nothing may be done with it afterwards.
    func abort() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close(descriptor)
        isAborted = true
    }

    /// Everything until the server closes. Throws when it does not within the time limit.
    func readToEnd() throws -> [UInt8] {
        while try fill() {}
        defer { buffer = [] }
        return buffer
    }

    /// The next answer; bodies by length or chunked.
    func readResponse(toHead: Bool = false) throws -> RawResponse {
        while true {
            if let (response, count) = try RawResponse.parse(buffer, isHead: toHead) {
                buffer.removeFirst(count)
                if response.status == 100 { return response }
                return response
            }
            guard try fill() else {
                throw Failure(
                    description: "closed after: \(String(decoding: buffer, as: UTF8.self))")
            }
        }
    }

    /// What has come so far, waiting until there is at least something.
    func readSome() throws -> [UInt8] {
        if buffer.isEmpty { _ = try fill() }
        defer { buffer = [] }
        return buffer
    }

    /// Whether the server closed, within the time limit, without saying more.
    func isClosed() throws -> Bool { try !fill() }

    private func fill() throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        if count > 0 {
            buffer += chunk[..<count]
            return true
        }
        if count == 0 || errno == ECONNRESET { return false }
        throw Failure(description: "recv: \(errno)")
    }
}

struct RawResponse {
    var status = 0
    var headers: [(name: String, value: String)] = []
    var body: [UInt8] = []

    /// Records an issue for another status.
    func expect(_ status: Int, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(self.status == status, "\(text)", sourceLocation: sourceLocation)
    }

    var text: String { String(decoding: body, as: UTF8.self) }

    subscript(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// The response at the start of the bytes and how many it takes; nil when it is not complete.
    static func parse(_ bytes: [UInt8], isHead: Bool) throws -> (RawResponse, Int)? {
        let end = Array("\r\n\r\n".utf8)
        guard let headEnd = bytes.firstRange(of: end)?.lowerBound else { return nil }
        let lines = String(decoding: bytes[..<headEnd], as: UTF8.self).split(separator: "\r\n")
        var response = RawResponse()
        response.status =
            lines.first.flatMap { $0.split(separator: " ").dropFirst().first }
            .flatMap { Int($0) } ?? 0
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            response.headers.append(
                (String(parts[0]), parts.last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "")
            )
        }
        let start = headEnd + 4
        if isHead || response.status < 200 || response.status == 204 { return (response, start) }
        if response["Transfer-Encoding"] == "chunked" {
            guard let (body, next) = chunks(bytes, from: start) else { return nil }
            response.body = body
            return (response, next)
        }
        let length = response["Content-Length"].flatMap { Int($0) } ?? 0
        guard bytes.count >= start + length else { return nil }
        response.body = Array(bytes[start..<start + length])
        return (response, start + length)
    }

    private static func chunks(_ bytes: [UInt8], from start: Int) -> ([UInt8], Int)? {
        var body: [UInt8] = []
        var index = start
        while true {
            guard let lineEnd = bytes[index...].firstRange(of: Array("\r\n".utf8)),
                let size = Int(
                    String(decoding: bytes[index..<lineEnd.lowerBound], as: UTF8.self), radix: 16)
            else { return nil }
            let next = lineEnd.upperBound + size + 2
            guard bytes.count >= next else { return nil }
            body += bytes[lineEnd.upperBound..<lineEnd.upperBound + size]
            index = next
            if size == 0 { return (body, index) }
        }
    }
}

/// Runs blocking work on a thread of its own, so that it takes none from the pool.
func onThread<Value: Sendable>(
    _ work: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread { continuation.resume(with: Result { try work() }) }.start()
    }
}

/// Paces a client that means to be slow.
func usleepMilliseconds(_ count: UInt32) { usleep(count * 1000) }
