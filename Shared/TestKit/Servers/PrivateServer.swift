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

/// A server of one test's own, which it may restart and kill: the scripts in `deploy/local`.
struct PrivateServer: Sendable {
    private static let count = Atomic<Int>(0)

    let kind: String
    let directory: String
    let port: UInt16
    let url: String
    private let settings: [String]

    /// Creates and starts one. Throws with the script's words when it does not start.
    static func start(_ kind: String, settings: [String]) async throws -> PrivateServer {
        let number = count.add(1, ordering: .relaxed).newValue
        // The process number in the name lets test-servers remove what a killed test left.
        let directory =
            "\(Repository.root)/.local/test/private/\(kind)_\(getpid())_\(number)"
        let port = FreePort.find()
        try await run(kind, ["start", directory, "\(port)"] + settings)
        let output = try await run(kind, ["url", directory])
        guard let url = output.split(separator: "\n").first.map(String.init) else {
            throw ProcessError("deploy/local/\(kind) gave no URL.")
        }
        return PrivateServer(
            kind: kind, directory: directory, port: port, url: url, settings: settings)
    }

    func startAgain() async throws {
        try await Self.run(kind, ["start", directory, "\(port)"] + settings)
    }

    /// `stop`, `restart`, `kill` or `remove`.
    func command(_ verb: String, _ mode: StopMode? = nil) async throws {
        try await Self.run(kind, [verb, directory] + (mode.map { [$0.rawValue] } ?? []))
    }

    @discardableResult
    private static func run(_ kind: String, _ arguments: [String]) async throws -> String {
        try await Command.run(
            "\(Repository.root)/deploy/local/\(kind)", arguments, within: .seconds(120))
    }
}
