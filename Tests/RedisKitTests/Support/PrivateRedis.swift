import Glibc
import RedisKit
import Synchronization
import TestKit

/// A redis-server of one test, on a free loopback port, without a file.
final class PrivateRedis: Sendable {
    enum Failure: Error { case notStarted }

    let port: Int
    let password: String?
    private let process = Mutex<ManagedProcess?>(nil)

    /// Starts and waits until it answers.
    init(password: String? = nil) async throws {
        self.password = password
        port = Int(FreePort.find())
        try await start()
    }

    var url: String { "redis://\(password.map { ":\($0)@" } ?? "")127.0.0.1:\(port)/0" }

    /// The usual one, but patient: a busy machine is no reason for a test to fail.
    func configuration(url: String? = nil) throws -> RedisConfiguration {
        var configuration = try RedisConfiguration(url: url ?? self.url)
        configuration.commandDeadline = .seconds(2)
        return configuration
    }

    /// Starts it again on the same port, empty.
    func start() async throws {
        var arguments = [
            "redis-server", "--port", "\(port)", "--bind", "127.0.0.1", "--save", "",
            "--appendonly", "no", "--enable-debug-command", "yes", "--dir", "/tmp",
        ]
        if let password { arguments += ["--requirepass", password] }
        let server = try ManagedProcess("/usr/bin/env", arguments)
        process.withLock { $0 = server }
        // Whoever answers at the port must be this one.
        guard await eventually({ server.poll() != nil || accepts() }), server.poll() == nil else {
            throw Failure.notStarted
        }
    }

    /// As by `kill -9`; returns when the process is gone.
    func kill() {
        process.withLock { $0 = nil }
    }

    private func accepts() -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var address = Self.loopback(port: UInt16(port))
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }

    private static func loopback(port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return address
    }
}

/// Whether `condition` becomes true within a generous time; looks every few milliseconds.
func eventually(
    within limit: Duration = .seconds(10), _ condition: () async throws -> Bool
) async rethrows -> Bool {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try? await Task.sleep(for: .milliseconds(5))
    }
    return try await condition()
}

/// Whether the server answers a PING through `client` within a generous time.
func isUsable(_ client: RedisClient) async -> Bool {
    await eventually {
        do {
            try await client.ping()
            return true
        } catch { return false }
    }
}
