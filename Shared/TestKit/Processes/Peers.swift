import FoundationEssentials

/// Clients and parsers that others wrote, in `Tests/Peers`; `Tests/Peers/run` installs them.
package enum Peers {
    private static let python = "\(Repository.root)/.local/peers-venv/bin/python"

    /// Whether `Tests/Peers/run --venv` was done here, for what the checks are made with now.
    package static var areInstalled: Bool {
        let files = FileManager.default
        let installed = files.contents(
            atPath: "\(Repository.root)/.local/peers-venv/requirements.txt")
        let wanted = files.contents(atPath: "\(Repository.root)/Tests/Peers/requirements.txt")
        return installed != nil && installed == wanted
    }

    /// Runs a script of `Tests/Peers`; throws with its output unless it ends with 0.
    @discardableResult
    package static func run(
        _ script: String, _ arguments: [String], within limit: Duration = .seconds(120)
    ) async throws -> String {
        try await Command.run(
            python, ["\(Repository.root)/Tests/Peers/\(script)"] + arguments, within: limit)
    }

    /// Starts a script that goes on until it is ended.
    package static func start(_ script: String, _ arguments: [String]) throws -> ManagedProcess {
        try ManagedProcess(python, ["\(Repository.root)/Tests/Peers/\(script)"] + arguments)
    }
}
