import FoundationEssentials
import Glibc
import Synchronization

/// How a server ends.
package enum StopMode: String, Sendable {
    /// Ends connections, writes down what there is, leaves.
    case fast
    /// As if the machine had crashed.
    case immediate
}

/// A server of one test's own, for restarts, kills and outages: the scripts in `deploy/local`.
/// `remove()` it at the end.
package struct PrivateServer: Sendable {
    /// What it is. Names the script.
    package enum Kind: String, Sendable {
        case postgres, redis, clickhouse

        fileprivate var standardSettings: [String] {
            self == .postgres ? ["max_connections=100", "shared_buffers=32MB"] : []
        }
    }

    private static let count = Atomic<Int>(0)

    /// The URL with the password of the user who may do everything.
    package let url: String
    /// The loopback port, the same through every restart.
    package let port: UInt16
    private let kind: Kind
    private let directory: String
    private let settings: [String]

    /// Creates and starts one on a free port, in a second or less. Throws with the script's words
    /// when it does not start.
    ///
    /// - Parameter settings: `name=value`; for ClickHouse those of the user's profile.
    package static func start(
        _ kind: Kind, settings: [String]? = nil
    ) async throws -> PrivateServer {
        let settings = settings ?? kind.standardSettings
        let number = count.add(1, ordering: .relaxed).newValue
        // The process number in the name lets test-servers remove what a killed test left.
        let directory =
            "\(Repository.root)/.local/test/private/\(kind.rawValue)_\(getpid())_\(number)"
        let port = FreePort.find()
        try await run(kind, ["start", directory, "\(port)"] + settings)
        let output = try await run(kind, ["url", directory])
        guard let url = output.split(separator: "\n").first.map(String.init) else {
            throw ProcessError("deploy/local/\(kind.rawValue) gave no URL.")
        }
        return PrivateServer(
            url: url, port: port, kind: kind, directory: directory, settings: settings)
    }

    /// Stops it and starts it again.
    package func restart(_ mode: StopMode = .fast) async throws {
        try await command("restart", mode)
    }

    /// Stops it; `start()` brings it back.
    package func stop(_ mode: StopMode = .fast) async throws { try await command("stop", mode) }

    /// SIGKILL; `start()` brings it back.
    package func kill() async throws { try await command("kill") }

    /// Starts it again after `stop` or `kill`, on the same port.
    package func start() async throws {
        try await Self.run(kind, ["start", directory, "\(port)"] + settings)
    }

    /// Ends it and deletes its files.
    package func remove() async throws { try await command("remove") }

    private func command(_ verb: String, _ mode: StopMode? = nil) async throws {
        try await Self.run(kind, [verb, directory] + (mode.map { [$0.rawValue] } ?? []))
    }

    @discardableResult
    private static func run(_ kind: Kind, _ arguments: [String]) async throws -> String {
        try await Command.run(
            "\(Repository.root)/deploy/local/\(kind.rawValue)", arguments, within: .seconds(120))
    }
}

/// Lends a server and removes it whatever happens.
package func withPrivateServer<Value: Sendable>(
    _ kind: PrivateServer.Kind, _ body: (PrivateServer) async throws -> Value
) async throws -> Value {
    let server = try await PrivateServer.start(kind)
    do {
        let value = try await body(server)
        try await server.remove()
        return value
    } catch {
        try? await server.remove()
        throw error
    }
}
