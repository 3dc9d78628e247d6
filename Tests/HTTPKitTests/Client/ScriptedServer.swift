import Foundation
import Glibc
import Synchronization

/// A socket server that says exactly what a test tells it to, right or wrong.
///
/// Each connection runs `behave` on a thread of its own; the connection closes when that returns.
final class ScriptedServer: Sendable {
    struct Failure: Error {}

    let port: Int
    private let listener: Int32
    private let state = Mutex(State())

    private struct State {
        var isStopped = false
        var open: Set<Int32> = []
        var connections = 0
        var requests: [ScriptedRequest] = []
    }

    init(
        port wanted: Int? = nil, behave: @escaping @Sendable (ScriptedConnection) -> Void
    ) throws {
        let descriptor = socket(
            AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
        port = try Self.bind(descriptor, wanted)
        guard listen(descriptor, 512) == 0 else { throw Failure() }
        listener = descriptor
        Thread.detachNewThread { [self] in
            while true {
                let client = accept(descriptor, nil, nil)
                if client < 0 { break }
                serve(client, behave)
            }
            close(descriptor)
        }
    }

    /// Ends the listener and every connection.
    func stop() {
        let open = state.withLock { state in
            state.isStopped = true
            return state.open
        }
        shutdown(listener, Int32(SHUT_RDWR))
        for descriptor in open { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }

    var url: String { "http://127.0.0.1:\(port)" }
    /// How many connections came so far.
    var connections: Int { state.withLock(\.connections) }
    /// How many connections are open.
    var openConnections: Int { state.withLock(\.open.count) }
    /// What was read so far.
    var requests: [ScriptedRequest] { state.withLock(\.requests) }

    private func serve(_ client: Int32, _ behave: @escaping @Sendable (ScriptedConnection) -> Void)
    {
        let number = state.withLock { state -> Int in
            state.connections += 1
            state.open.insert(client)
            return state.connections
        }
        Thread.detachNewThread { [self] in
            behave(
                ScriptedConnection(descriptor: client, number: number) { request in
                    self.state.withLock { $0.requests.append(request) }
                })
            state.withLock { _ = $0.open.remove(client) }
            close(client)
        }
    }

    /// Below the range for outgoing connections: one of those could take a free port there.
    private static func bind(_ descriptor: Int32, _ wanted: Int?) throws -> Int {
        for _ in 0..<100 {
            let port = wanted ?? Int.random(in: 20_000..<32_000)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(port).bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            let code = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            if code == 0 { return port }
        }
        throw Failure()
    }

    /// A port where nobody listens.
    static func deadPort() throws -> Int {
        let descriptor = socket(
            AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        return try bind(descriptor, nil)
    }
}

/// One request as it came.
struct ScriptedRequest: Sendable {
    let line: String
    /// Names in lower case.
    let headers: [String: String]
    let body: String

    var path: String { String(line.split(separator: " ").dropFirst().first ?? "") }
    var method: String { String(line.prefix { $0 != " " }) }
}

/// One connection of a `ScriptedServer`. Blocks; belongs to its thread.
final class ScriptedConnection {
    private let descriptor: Int32
    /// The first connection has number 1.
    let number: Int
    private let note: (ScriptedRequest) -> Void
    private var buffer: [UInt8] = []

    init(descriptor: Int32, number: Int, note: @escaping (ScriptedRequest) -> Void) {
        self.descriptor = descriptor
        self.number = number
        self.note = note
    }

    /// The next request with its body, or nil when the client has left.
    func read() -> ScriptedRequest? {
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let range = buffer.firstRange(of: end) {
                let head = String(decoding: buffer[..<range.lowerBound], as: UTF8.self)
                buffer.removeSubrange(..<range.upperBound)
                return request(head)
            }
            if !fill() { return nil }
        }
    }

    /// Waits until the client leaves.
    func waitForEnd() {
        while fill() {}
    }

    func write(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes {
                send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 { return }
            bytes = bytes.dropFirst(count)
        }
    }

    func answer(_ status: Int, _ headers: [String] = [], body: String = "") {
        let lines = ["HTTP/1.1 \(status) X", "Content-Length: \(body.utf8.count)"] + headers
        write(lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
    }

    private func request(_ head: String) -> ScriptedRequest? {
        let lines = head.components(separatedBy: "\r\n")
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] =
                parts.count == 2 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
        }
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        while buffer.count < length { if !fill() { return nil } }
        let body = String(decoding: buffer.prefix(length), as: UTF8.self)
        buffer.removeFirst(length)
        let request = ScriptedRequest(line: lines[0], headers: headers, body: body)
        note(request)
        return request
    }

    private func fill() -> Bool {
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        guard count > 0 else { return false }
        buffer += chunk[..<count]
        return true
    }
}

/// Whether `condition` becomes true within a generous time; looks every few milliseconds.
func becomesTrue(_ condition: () async -> Bool) async -> Bool {
    let end = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < end {
        if await condition() { return true }
        try? await Task.sleep(for: .milliseconds(5))
    }
    return await condition()
}
