import Foundation
import Glibc

/// A TCP connection to a loopback port that sends exactly the bytes it is told, also those that no
/// proper client would. Blocks, so use it through `onThread`.
package final class RawConnection {
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private var isAborted = false

    /// Throws when nobody listens. No call waits longer than the limit.
    package init(port: UInt16, timeoutSeconds: Int = 20) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Self.failure("socket") }
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
        guard status == 0 else { throw Self.failure("connect") }
    }

    deinit { if !isAborted { close(descriptor) } }

    /// Sends everything; an error counts only when `mayFail` is false.
    package func send(_ text: String, mayFail: Bool = false) throws {
        try send(Array(text.utf8), mayFail: mayFail)
    }

    package func send(_ bytes: [UInt8], mayFail: Bool = false) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            if count <= 0 {
                if mayFail { return }
                throw Self.failure("send")
            }
            sent += count
        }
    }

    /// Sends the same again until the peer has taken nothing for half a second. Returns the bytes.
    package func sendUntilFull(_ bytes: [UInt8]) throws -> Int {
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
    package func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Resets the connection; nothing may be done with it afterwards.
    package func abort() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close(descriptor)
        isAborted = true
    }

    /// Everything until the server closes. Throws when it does not within the time limit.
    package func readToEnd() throws -> [UInt8] {
        while try fill() {}
        defer { buffer = [] }
        return buffer
    }

    /// Reads until the bytes begin with a whole part, and takes it off them.
    ///
    /// - Parameter parse: the part and how many bytes it takes; nil while it is not complete.
    package func read<Part>(_ parse: ([UInt8]) throws -> (Part, Int)?) throws -> Part {
        while true {
            if let (part, count) = try parse(buffer) {
                buffer.removeFirst(count)
                return part
            }
            guard try fill() else {
                throw ProcessError("closed after: \(String(decoding: buffer, as: UTF8.self))")
            }
        }
    }

    /// What has come so far, waiting until there is at least something.
    package func readSome() throws -> [UInt8] {
        if buffer.isEmpty { _ = try fill() }
        defer { buffer = [] }
        return buffer
    }

    /// Whether the server closed, within the time limit, without saying more.
    package func isClosed() throws -> Bool { try !fill() }

    private func fill() throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        if count > 0 {
            buffer += chunk[..<count]
            return true
        }
        if count == 0 || errno == ECONNRESET { return false }
        throw Self.failure("recv after \(buffer.count) bytes")
    }

    private static func failure(_ call: String) -> ProcessError {
        ProcessError("\(call): \(String(cString: strerror(errno)))")
    }
}

/// One exchange over a connection of its own.
package enum RawExchange {
    /// Connects to a loopback port, sends everything, and reads until the other side closes.
    /// With `halfCloses` it says after sending that no more comes.
    ///
    /// An other side that hangs up while it is sent to is no failure. Throws when nobody listens,
    /// and when the connection is still open after the limit.
    package static func send(
        _ bytes: [UInt8], to port: UInt16, halfCloses: Bool = false,
        within limit: Duration = .seconds(20)
    ) async throws -> String {
        try await onThread {
            let seconds = max(1, Int(limit.components.seconds))
            let connection = try RawConnection(port: port, timeoutSeconds: seconds)
            try connection.send(bytes, mayFail: true)
            if halfCloses { connection.finishSending() }
            return String(decoding: try connection.readToEnd(), as: UTF8.self)
        }
    }
}

/// Runs blocking work on a thread of its own, so that it takes none from the pool.
package func onThread<Value: Sendable>(
    _ work: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread { continuation.resume(with: Result { try work() }) }.start()
    }
}
