import FoundationEssentials

/// Runs a program to its end.
package enum Command {
    /// What it printed, when it ended with code 0 within the limit; throws with its output else.
    @discardableResult
    package static func run(
        _ executable: String, _ arguments: [String] = [], environment: [String: String] = [:],
        within limit: Duration = .seconds(60)
    ) async throws -> String {
        let process = try ManagedProcess(executable, arguments, environment: environment)
        let exit = try await process.waitForExit(within: limit)
        guard exit == .code(0) else {
            let line = ([executable] + arguments).joined(separator: " ")
            throw ProcessError("\(line) ended with \(exit):\n\(process.logTail(lines: 40))")
        }
        let output = process.log()
        // Only what went wrong is worth keeping.
        try? FileManager.default.removeItem(
            atPath: String(process.logPath.dropLast("/log".count)))
        return output
    }
}
