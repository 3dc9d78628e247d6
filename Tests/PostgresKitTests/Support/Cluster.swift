import Foundation
import Kernel
import PostgresKit
import Synchronization
import Testing

/// A PostgreSQL server of our own: private data, loopback, free port, real durability.
final class Cluster: Sendable {
    /// The one that tests share which leave the server alone.
    static let shared: Cluster = {
        do {
            return try Cluster()
        } catch {
            fatalError("No PostgreSQL for the tests: \(error)")
        }
    }()

    private static let running = Mutex<[Cluster]>([])
    private static let bin = "/usr/lib/postgresql/15/bin"

    let port: Int
    private let directory: String

    init() throws {
        directory = "/tmp/gvpg-\(getpid())-\(UInt32.random(in: .min ... .max))"
        port = try Self.freePort()
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700])
        if getuid() == 0 { try Self.run("/bin/chown", ["postgres", directory]) }
        try asServer("initdb", ["-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "-N"])
        try start()
        Self.running.withLock { running in
            if running.isEmpty {
                atexit { Cluster.stopAll() }
            }
            running.append(self)
        }
    }

    private var data: String { "\(directory)/data" }

    func url(_ database: String = "postgres") -> String {
        "postgresql://postgres@127.0.0.1:\(port)/\(database)"
    }

    func start() throws {
        let options =
            "-p \(port) -k \(directory) -c listen_addresses=127.0.0.1 -c max_connections=150"
        try asServer(
            "pg_ctl", ["-D", data, "-w", "-l", "\(directory)/log", "-o", options, "start"])
    }

    /// `fast` or `immediate`.
    func stop(_ mode: String) throws {
        try asServer("pg_ctl", ["-D", data, "-w", "-m", mode, "stop"])
    }

    func remove() {
        try? stop("immediate")
        try? FileManager.default.removeItem(atPath: directory)
        Self.running.withLock { running in running.removeAll { $0 === self } }
    }

    private static func stopAll() {
        for cluster in running.withLock({ $0 }) { cluster.remove() }
    }

    /// The server refuses to run as root.
    private func asServer(_ program: String, _ arguments: [String]) throws {
        let program = "\(Self.bin)/\(program)"
        guard getuid() == 0 else { return try Self.run(program, arguments) }
        let drop = ["--reuid=postgres", "--regid=postgres", "--init-groups", program]
        try Self.run("/usr/bin/setpriv", drop + arguments)
    }

    /// Not Foundation's `Process`: it waits until the server, too, has ended.
    private static func run(_ program: String, _ arguments: [String]) throws {
        let words = ([program] + arguments).map { "'\($0)'" }.joined(separator: " ")
        let command = ["/bin/sh", "-c", "cd /tmp && \(words) </dev/null >/dev/null 2>&1"]
        var pointers = command.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var process = pid_t()
        var status = posix_spawn(&process, "/bin/sh", nil, nil, &pointers, environ)
        if status == 0 { waitpid(process, &status, 0) }
        guard status == 0 else { throw ClusterError(program: program, status: status) }
    }

    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
            }
        }
        guard status == 0 else { throw ClusterError(program: "bind", status: errno) }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

struct ClusterError: Error {
    let program: String
    let status: Int32
}

/// A client on the shared server, or on another.
func makeClient(
    _ cluster: Cluster = .shared, telemetry: Telemetry = Telemetry(),
    _ change: (inout PostgresConfiguration) -> Void = { _ in }
) throws -> PostgresClient {
    var configuration = try PostgresConfiguration(url: cluster.url())
    change(&configuration)
    return PostgresClient(configuration, telemetry: telemetry)
}

/// Waits until `condition` holds; fails the test after ten seconds.
func eventually(
    _ what: String, within limit: Duration = .seconds(10),
    _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(10))
    }
    Issue.record("Never came true: \(what)")
}

/// The error's code, nil when nothing was thrown or something else.
func code<Result>(of body: () async throws -> Result) async -> PostgresError.Code? {
    do {
        _ = try await body()
        return nil
    } catch {
        return (error as? PostgresError)?.code
    }
}
