import Foundation
import Glibc

/// Sends bytes that no proper client would, and reads what comes back.
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
        let seconds = max(1, Int(limit.components.seconds))
        return try await withCheckedThrowingContinuation { continuation in
            // A thread of its own: the calls block.
            Thread {
                continuation.resume(
                    with: Result {
                        try exchange(bytes, port: port, halfCloses: halfCloses, seconds: seconds)
                    })
            }.start()
        }
    }

    private static func exchange(
        _ bytes: [UInt8], port: UInt16, halfCloses: Bool, seconds: Int
    ) throws -> String {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw failure("socket") }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        try join(descriptor, port)
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { break }
            sent += count
        }
        if halfCloses { shutdown(descriptor, Int32(SHUT_WR)) }
        return try readToEnd(descriptor)
    }

    private static func join(_ descriptor: Int32, _ port: UInt16) throws {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw failure("connect") }
    }

    private static func readToEnd(_ descriptor: Int32) throws -> String {
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count > 0 {
                answer += chunk[..<count]
            } else if count == 0 || errno == ECONNRESET {
                return String(decoding: answer, as: UTF8.self)
            } else {
                throw failure("recv after \(answer.count) bytes")
            }
        }
    }

    private static func failure(_ call: String) -> ProcessError {
        ProcessError("\(call): \(String(cString: strerror(errno)))")
    }
}
